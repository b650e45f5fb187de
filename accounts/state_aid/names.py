"""What the codes of the aid rules are called for people: acts, limits, purposes, additions, facts."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from accounts.state_aid.case import (
    AGRICULTURE,
    ANCILLARY_USE,
    FISHERIES,
    GENERAL,
    GENERAL_UNTIL_2023,
    INNOVATION,
    RESEARCH,
    SGEI,
    SGEI_UNTIL_2023,
    START_UP,
    TRAINING,
    Outcome,
)

Words = str | Promise

REGULATIONS: dict[str, Words] = {
    GENERAL: lazy("General de minimis, Regulation (EU) 2023/2831"),
    GENERAL_UNTIL_2023: lazy("General de minimis until 2023, Regulation (EU) No 1407/2013"),
    AGRICULTURE: lazy("Farming, Regulation (EU) No 1408/2013"),
    FISHERIES: lazy("Fishing, Regulation (EU) No 717/2014"),
    SGEI: lazy("Services of general economic interest, Regulation (EU) 2023/2832"),
    SGEI_UNTIL_2023: lazy("Services of general economic interest until 2023, Regulation (EU) No 360/2012"),
    INNOVATION: lazy("Innovation aid for SMEs, Article 28 of Regulation (EU) No 651/2014"),
    RESEARCH: lazy("Research and development, Article 25 of Regulation (EU) No 651/2014"),
    START_UP: lazy("Start-up aid, Article 22 of Regulation (EU) No 651/2014"),
    TRAINING: lazy("Training aid, Article 31 of Regulation (EU) No 651/2014"),
    ANCILLARY_USE: lazy("Economic use of a machine, recital 49 of Regulation (EU) No 651/2014"),
}

# The limits of a verdict (`Room.code`).
LIMITS: dict[str, Words] = {
    "general": lazy("De minimis aid of one State in three years"),
    "sgei": lazy("De minimis aid for services of general economic interest in three years"),
    "agriculture": lazy("De minimis aid for farming in three years"),
    "fisheries": lazy("De minimis aid for fishing in three fiscal years"),
    "farming_and_fishing": lazy("De minimis aid for farming and fishing together"),
    "innovation": lazy("Free support services of all States in three years"),
    "innovation_per_state": lazy("Free support services of one State in three years"),
    "start_up": lazy("Start-up aid ever received"),
    "same_costs": lazy("All aid for the same costs"),
    "union_funding": lazy("All public money for the same costs"),
    "project": lazy("Aid for one project without notification"),
    "national_cap": lazy("What the State may still grant to the sector"),
}
OUTCOMES: dict[str, Words] = {
    Outcome.ALLOWED: lazy("Can be granted"),
    Outcome.REFUSED: lazy("Cannot be granted"),
    Outcome.NEEDS_REVIEW: lazy("A person must look"),
}
PURPOSES: dict[str, Words] = {
    "export": lazy("Export, or a sales network abroad"),
    "domestic_goods": lazy("Using domestic goods instead of imported ones"),
    "price_or_quantity": lazy("Payment by price or quantity of farm or fish products"),
    "passed_to_producers": lazy("Passing the support on to farmers or fishers"),
    "primary_agriculture": lazy("Growing crops or raising animals"),
    "primary_fishery": lazy("Fishing or aquaculture"),
    "compensated_service": lazy("A public service that is paid for already"),
    "fleet_capacity": lazy("More fishing capacity"),
    "vessel_purchase": lazy("Buying fishing vessels"),
}
CATEGORIES: dict[str, Words] = {
    "fundamental": lazy("Fundamental research"),
    "industrial": lazy("Industrial research"),
    "experimental": lazy("Experimental development"),
    "feasibility": lazy("Feasibility study"),
}
BONUSES: dict[str, Words] = {
    "collaboration": lazy("Effective collaboration"),
    "dissemination": lazy("Results are widely disseminated"),
    "licensing": lazy("Results are licensed to others on fair terms"),
    "region_a": lazy("Carried out in an assisted area (“a” region)"),
    "region_c": lazy("Carried out in an assisted area (“c” region)"),
    "several_states": lazy("Project of several States"),
    "disabled_or_disadvantaged": lazy("Training of workers with disabilities or disadvantaged workers"),
}
SIZES: dict[str, Words] = {
    "micro": lazy("micro"),
    "small": lazy("small"),
    "medium": lazy("medium-sized"),
    "large": lazy("large"),
    "review": lazy("not decided"),
}
GROUNDS: dict[str, Words] = {
    "majority_of_votes": lazy("Majority of the votes"),
    "appoints_board": lazy("Right to appoint or remove the majority of a board"),
    "dominant_influence": lazy("Dominant influence by contract or articles"),
    "voting_agreement": lazy("Sole control of the majority by a shareholders' agreement"),
}
# Why an award does not use up a limit (`Counted.why`).
NOT_COUNTED: dict[str, Words] = {
    "no_state_aid": lazy("No State aid"),
    "other_undertaking": lazy("Another company's"),
    "other_pool": lazy("Has a limit of its own"),
    "other_state": lazy("Of another State"),
    "too_old": lazy("Too long ago"),
}
FACTS: dict[str, Words] = {
    "published": lazy("whether discounts and rules of selection were published"),
    "quantifiable": lazy("whether the advantage can be put in money"),
    "records": lazy("how long records are kept"),
    "unlisted": lazy("listed on a stock exchange"),
    "registered": lazy("day of registration"),
    "profits_distributed": lazy("profits paid out"),
    "took_over": lazy("take-over or merger"),
    "name_and_size": lazy("name and size of the company"),
    "description": lazy("what the project is, with its start and end"),
    "location": lazy("where the project is carried out"),
    "costs": lazy("the list of costs"),
    "amount": lazy("the kind and amount of public money needed"),
}
