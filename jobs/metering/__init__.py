"""What jobs held at their sites: usage from three witnesses, compared, corrected and reconciled; energy and CO2e."""
