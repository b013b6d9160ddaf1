"""The page with the explorable figure: the learning rate moves through its four regimes."""

import html
import json

from answers.figures import learning_rate
from claims.site.learning_rate_runs import FILE

TEXT = """\
# Move the learning rate

[The answer](learning_rate.md) draws the loss at four learning rates.
Here are all the rates between them: move η, and see what becomes of the descent.

```{{container}} rate-still
![{alt}](figures/learning_rate.svg)
```

## On a quadratic

```{{raw}} html
<div id="rate-quadratic" class="rate"></div>
```

A step multiplies each weight by 1 − ηh, with h the curvature in its direction.
So [1/h and 2/h, with the largest h, are the borders](claim:the_curve_falls_for_good_only_below_2_over_h): up to the
first the steep weight walks to its minimum, up to the second it jumps across and comes closer all the same, beyond it
each jump lands farther out.
Oscillating tells what the weight does, and is no fault: the flatter the other direction, the closer
[the best rate](claim:the_best_constant_rate_is_close_to_the_limit) lies to the border where descent diverges.
The answer draws that rate and calls it acceptable.

## On digits

```{{raw}} html
<div id="rate-digits" class="rate"></div>
<script type="application/json" id="rate-runs">{runs}</script>
<script defer src="_static/learning_rate_model.js"></script>
<script defer src="_static/learning_rate_chart.js"></script>
```

The same picture, without a formula: the higher the rate, the lower the loss after ten epochs, up to a cliff.
These are recorded runs of plain SGD on mini-batches of 32, and the loss on all digits is read four times an epoch.
The words follow the run that is drawn in colour: diverging if it ends above its start, oscillating if it rises at
every fourth reading or more often, too low if more than a tenth of the loss is left.
"""


def explore_source() -> str:
    """Return the page as MyST; without script it shows the still figure of the answer."""
    runs = json.dumps(json.loads(FILE.read_text(encoding="utf-8")), separators=(",", ":"))
    return TEXT.format(alt=html.escape(learning_rate.ALT), runs=runs)
