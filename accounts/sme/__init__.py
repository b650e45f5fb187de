"""How large an enterprise is: the Annex of Recommendation 2003/361/EC as functions over plain data. Knows no framework.

    graph.py       who owns whom, as stated              links.py      who is linked to whom (Art 3(3))
    thresholds.py  25 %, 50 %, EUR 1,250,000 … as rows   public.py     what public bodies hold (Art 3(4))
    ceilings.py    the ceilings of Art 2 as rows         relations.py  linked, partner, exempt, none (Art 3)
    periods.py     closings and the two-period rule      totals.py     the figures of a closing (Art 6)
    rules.py       classify, replay                      midcap.py     small mid-caps of both definitions

What the Annex leaves open, and how it is read here:

- Percentages of several holders are summed for capital and for votes apart; the share is the greater sum.
- "Linked" is one relation in both directions. Members of one linked group vote together: what they hold jointly in an
  enterprise links it as soon as it is more than half of the votes.
- More than half of the capital without the votes and without another ground of Art 3(3) makes a partner, not a link.
- A partner's group counts once, at the greatest share that joins it to the enterprise's own group, in either
  direction; a group is exempt only when each of its direct holders is an exempt investor.
- Natural persons are no enterprises: they are no partners, and tie enterprises together only in the same or adjacent
  markets. Every pair that persons tie together has to be stated; a pair not stated is unknown. An unknown market goes
  to a person unless it makes no difference to who is linked and who is a partner.
- Ordinary enterprises that act jointly without being linked have no rule in Art 3; where it matters a person decides.
  Exempt investors that act jointly are "jointly linked", all that hold, when together they have more than half of the
  votes or when one of them has another ground of control.
- An exempt investor with a relevant share that takes part in management has lost the presumption: a person decides.
- Investors are exempt towards the enterprise in question: what they control outside its linked group does not change
  that, neither for partners nor for Art 3(4). A small local authority whose company holds 25 % of the enterprise is as
  exempt as if it held that share itself.
- Exempt investors that are linked count in full. A local authority that controls a company of the linked group, or is
  above its limits, is a public body. A linked university or public investment corporation counts, and where it would
  meet Art 3(4) as a public body (C-516/19) a person looks before the answer is that the enterprise is an SME.
- The business angels of an enterprise are taken together: all of them are exempt while their total is below the limit.
- Public bodies hold indirectly: in full through those they control, pro rata through others, at the greater of what
  they hold of its capital and of its votes; rings of holdings above the enterprise are followed round. Where they hold
  a quarter of an owner that holds a quarter, but less than a quarter pro rata, a person decides (C-516/19). Public
  bodies and their other enterprises are not linked through them. Art 3(4) is no ceiling: the two-period rule does not
  soften it.
- A public body with the majority of votes by agreement meets Art 3(4). One that controls the enterprise in another way
  (board, contract) with less than a quarter of capital and votes is not in the text: a person decides.
- A party's figures for a closing of the enterprise are those of its last period that ended up to 350 days before the
  closing or up to 31 days after it. A party that lacks them for the latest closing is named and a person looks; older
  closings that lack figures are left out. A closing that is missing between others may have lain in any class; where
  that would change the answer a person looks.
- A change of ownership since the closing before the latest one is contested (`ChangeMode`). With dates on the holdings
  both readings are derived and only a difference goes to a person; without them it always does, and TWO_PERIOD
  takes every closing as the enterprise stands today.
"""
