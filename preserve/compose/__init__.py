"""The only place that names concrete classes: from a home and a registered store to what operations are handed."""

from preserve.compose.formats import (
    format_by_hand,
    format_ratings,
    holdings_rule,
    identifier,
    is_in_use,
    mark_rule,
    nara_request,
    rating_request,
    readers_alive,
    release_in_use,
    risk_rule,
    write_risk_history,
)
from preserve.compose.letters import addresses, post
from preserve.compose.migration_work import pilot_request, run_request
from preserve.compose.migrations import circumstances
from preserve.compose.origins import catchment, harvest_request, take_request
from preserve.compose.pathways import format_register, pathway_of, pathways, programs_alive, workshop
from preserve.compose.places import founding, place, store_at
from preserve.compose.publishing import publish, require_abreast, require_key, signer
from preserve.compose.rules import (
    assessment_rules,
    audited_alike_since,
    disaster_levels,
    kit,
    medium_rules,
    policies,
    policies_in_use,
    policy,
    policy_in_force,
    profile,
    require_profile,
    thaw_prices,
)
from preserve.compose.stores import glanced_at, key_trial, require_open
from preserve.compose.workplaces import rebuilt_alone, workplace

__all__ = [
    "addresses",
    "assessment_rules",
    "audited_alike_since",
    "catchment",
    "circumstances",
    "disaster_levels",
    "format_by_hand",
    "format_ratings",
    "format_register",
    "founding",
    "glanced_at",
    "harvest_request",
    "holdings_rule",
    "identifier",
    "is_in_use",
    "key_trial",
    "kit",
    "mark_rule",
    "medium_rules",
    "nara_request",
    "pathway_of",
    "pathways",
    "pilot_request",
    "place",
    "policies",
    "policies_in_use",
    "policy",
    "policy_in_force",
    "post",
    "profile",
    "programs_alive",
    "publish",
    "rating_request",
    "readers_alive",
    "rebuilt_alone",
    "release_in_use",
    "require_abreast",
    "require_key",
    "require_open",
    "require_profile",
    "risk_rule",
    "run_request",
    "signer",
    "store_at",
    "take_request",
    "thaw_prices",
    "workplace",
    "workshop",
    "write_risk_history",
]
