"""What the law makes us ask of everybody who trains a model, in plain words.

Source: AI Act (Regulation 2024/1689 as amended by 2026/1744), Articles 5 and 50, Annex III.
"""

from django.utils.translation import gettext_lazy as _

# Article 5: a yes to any of these goes to a person and is never granted by a policy.
PROHIBITED = (
    ("manipulation", _("Pushing people to act against their own interest without noticing it")),
    ("vulnerability", _("Taking advantage of somebody's age, disability or hardship")),
    ("social_scoring", _("Scoring people by their behaviour so that they are treated worse elsewhere")),
    ("crime_prediction", _("Predicting that a person will commit a crime from their profile alone")),
    ("face_scraping", _("Collecting faces from the internet or cameras without a specific target")),
    ("emotion_work_school", _("Reading emotions at work or in education, other than for health or safety")),
    ("biometric_categories", _("Sorting people by race, belief, politics or sexual life from their body")),
    ("realtime_biometrics", _("Identifying people in public in real time for the police")),
    ("intimate_imagery", _("Making intimate pictures of people without their consent")),
    ("child_abuse", _("Making pictures of child abuse")),
)

# Annex III: allowed, with duties; the officer sees it and the applicant is told.
HIGH_RISK = (
    ("biometrics", _("Recognising people by their body")),
    ("infrastructure", _("Running roads, water, gas, heat, electricity or digital networks safely")),
    ("education", _("Admission to, or marks in, schools and training")),
    ("employment", _("Hiring, promoting, dismissing or watching staff")),
    ("essential_services", _("Access to benefits, credit, life or health insurance, or emergency help")),
    ("law_enforcement", _("Police work")),
    ("migration", _("Asylum, migration and border control")),
    ("justice_democracy", _("Courts, elections and referendums")),
)

# Article 50: what users of the finished system must be told.
TRANSPARENCY = (
    ("interacts", _("People will talk to it directly")),
    ("synthetic", _("It writes or makes content that others will see")),
    ("deep_fake", _("It imitates real people, places or events")),
)
