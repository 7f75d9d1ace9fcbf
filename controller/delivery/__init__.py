"""What becomes of commits: drift, deployments, lead time, time to restore; the same beside an Argo CD and without one.

`Delivery` is the door; the rules are pure (`tracker` and what it calls), docs/delivery.md defines the words.
"""

from controller.delivery.shell import Delivery as Delivery
