"""How large an enterprise is: the Annex of Recommendation 2003/361/EC as functions over plain data. Knows no framework.

Today for an autonomous enterprise only. Linked and partner enterprises (Articles 3 and 6) need an interview that the
portal does not hold yet; `classify` says so instead of guessing.
"""
