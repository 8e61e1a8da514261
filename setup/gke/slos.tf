# Grafana's own SLOs, for its SLO pages: every SLO of slo.yaml that has a budget. Their alerts are those of rules.tf.
locals {
  slos = {
    for object in [for document in split("\n---\n", file("${local.manifests}/slo.yaml")) : yamldecode(document)] :
    object.metadata.name => {
      title     = object.metadata.displayName
      summary   = object.spec.description
      service   = object.spec.service
      period    = object.spec.timeWindow[0].duration
      objective = object.spec.objectives[0].target
      events = {
        for kind, metric in object.spec.indicator.spec.ratioMetric :
        kind => trimspace(replace(metric.metricSource.spec.query, "{{.window}}", "$__rate_interval")) if kind != "counter"
      }
    } if object.kind == "SLO" && can(object.spec.indicator.spec.ratioMetric)
  }
}

resource "grafana_slo" "this" {
  provider = grafana.stack
  for_each = local.slos

  name        = each.value.title
  description = each.value.summary

  query {
    type = "freeform"
    freeform {
      # A counter of errors that does not exist yet counts as 0 while there is traffic, as in the recorded rules.
      query = (can(each.value.events.good)
        ? "${each.value.events.good} / ${each.value.events.total}"
        : "1 - (${each.value.events.bad} or 0 * ${each.value.events.total}) / ${each.value.events.total}"
      )
    }
  }

  objectives {
    value  = each.value.objective
    window = each.value.period
  }

  destination_datasource {
    uid = local.data_sources.prometheus
  }

  label {
    key   = "slo"
    value = each.key
  }
  label {
    key   = "service"
    value = each.value.service
  }
}
