"""Where a site lies on static/img/europe.svg: Lambert azimuthal equal-area, centre 52° N 10° E, 1000 × 900."""

from math import cos, radians, sin, sqrt

WIDTH, HEIGHT = 1000, 900
_LATITUDE, _LONGITUDE = radians(52), radians(10)
_SCALE_X, _SCALE_Y = 1392.47, -1383.90
_LEFT, _TOP = 510.09, 489.49


def place(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees to the map's units, one decimal. Checked against Kajaani, Barcelona and Bologna."""
    phi, difference = radians(latitude), radians(longitude) - _LONGITUDE
    reach = sqrt(2 / (1 + sin(_LATITUDE) * sin(phi) + cos(_LATITUDE) * cos(phi) * cos(difference)))
    x = reach * cos(phi) * sin(difference)
    y = reach * (cos(_LATITUDE) * sin(phi) - sin(_LATITUDE) * cos(phi) * cos(difference))
    return round(_LEFT + _SCALE_X * x, 1), round(_TOP + _SCALE_Y * y, 1)
