"""What can happen in the loop, by area. The controller and the server publish these; exporter and logs listen.

No I/O, no clock. Times of day are Unix seconds; durations are seconds.
"""

from model.events.applications import ApplicationChanged as ApplicationChanged
from model.events.applications import ApplicationDeleted as ApplicationDeleted
from model.events.applications import ApplicationSetChanged as ApplicationSetChanged
from model.events.applications import OrphansCounted as OrphansCounted
from model.events.base import Event as Event
from model.events.base import Listener as Listener
from model.events.base import Lost as Lost
from model.events.clusters import ApiRequestFinished as ApiRequestFinished
from model.events.clusters import ClusterEventsProcessed as ClusterEventsProcessed
from model.events.clusters import ClusterGone as ClusterGone
from model.events.clusters import ClusterObserved as ClusterObserved
from model.events.clusters import WriteMoved as WriteMoved
from model.events.delivery import CommitsBehind as CommitsBehind
from model.events.delivery import DeploymentEnded as DeploymentEnded
from model.events.delivery import DriftDetected as DriftDetected
from model.events.delivery import DriftEnded as DriftEnded
from model.events.delivery import Restored as Restored
from model.events.delivery import SelfHealed as SelfHealed
from model.events.delivery import Standing as Standing
from model.events.loop import Leading as Leading
from model.events.loop import OperationRequested as OperationRequested
from model.events.loop import QueueMoved as QueueMoved
from model.events.loop import QueueState as QueueState
from model.events.loop import Stage as Stage
from model.events.loop import SyncAttempted as SyncAttempted
from model.events.loop import TurnFinished as TurnFinished
from model.events.policy import AdmissionReviewed as AdmissionReviewed
from model.events.policy import CalendarChanged as CalendarChanged
from model.events.policy import DecisionMade as DecisionMade
from model.events.policy import FreezeOverridden as FreezeOverridden
from model.events.policy import FreezeState as FreezeState
from model.events.policy import PolicyFindings as PolicyFindings
from model.events.policy import PolicyLoaded as PolicyLoaded
from model.events.policy import PolicyRules as PolicyRules
from model.events.policy import ProjectChanged as ProjectChanged
from model.events.policy import RuleInfo as RuleInfo
from model.events.policy import SyncPermission as SyncPermission
from model.events.policy import WindowState as WindowState
from model.events.sources import GitRequestFinished as GitRequestFinished
from model.events.sources import GitWait as GitWait
from model.events.sources import RenderFinished as RenderFinished
from model.events.sources import RepositoryKnown as RepositoryKnown
from model.events.webhooks import PushReceived as PushReceived
from model.events.webhooks import WebhookMoved as WebhookMoved
