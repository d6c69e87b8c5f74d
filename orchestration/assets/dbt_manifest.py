"""The parsed dbt project as Dagster needs it: asset keys, groups and the published tables."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.assets import OWNERS
from orchestration.publication.dbt import manifest_path


class LayerTranslator(DagsterDbtTranslator):  # type: ignore[misc]
    """Names assets and groups after the layer folder: `marts/agenda_status`."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetSpec:
        """Key and group a model by its layer; leave sources to `_sources.yml`."""
        spec: dg.AssetSpec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] not in ("model", "seed"):
            return spec
        layer = node["fqn"][1] if node["resource_type"] == "model" else "seeds"
        return spec.replace_attributes(
            key=dg.AssetKey([layer, node["name"]]), group_name=layer, owners=OWNERS
        )


TRANSLATOR = LayerTranslator(DagsterDbtTranslatorSettings(enable_asset_checks=False))
MANIFEST: Mapping[str, Any] = json.loads(manifest_path().read_text(encoding="utf-8"))


def marts() -> dict[str, dg.AssetKey]:
    """The published tables: name → asset key."""
    return {
        node["name"]: dg.AssetKey(["marts", node["name"]])
        for node in MANIFEST["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
