# Rules that Grafana itself manages, from the files that `chaos slo rules` writes for Prometheus and from those that
# Loki's ruler would load. Read as they are: what an alert means is the same in every environment.
#
# Within a folder a rule's title is unique, and an alert's title is its name: an SLO's two alerts, a page and a
# ticket, have one name, so each severity has a folder of its own.
locals {
  slo_groups = yamldecode(file("${local.manifests}/observability/rules/${var.windows}/slo.yaml")).groups
  log_groups = yamldecode(file("${local.manifests}/observability/loki-rules.yaml")).groups

  seconds_per_unit = { s = 1, m = 60, h = 3600, d = 86400 }

  recorded_groups = {
    for group in concat(
      [for group in local.slo_groups : merge(group, { source = "prometheus" })],
      [for group in local.log_groups : merge(group, { source = "loki" })],
      ) : group.name => {
      source   = group.source
      interval = parseint(regex("^\\d+", group.interval), 10) * local.seconds_per_unit[regex("[smhd]$", group.interval)]
      rules    = [for rule in group.rules : rule if can(rule.record)]
    } if length([for rule in group.rules : rule if can(rule.record)]) > 0
  }

  alert_groups = merge([
    for severity in ["page", "ticket"] : {
      for group in local.slo_groups : "${severity}/${group.name}" => {
        name     = group.name
        severity = severity
        rules    = [for rule in group.rules : rule if try(rule.labels.severity, "") == severity]
      } if length([for rule in group.rules : rule if try(rule.labels.severity, "") == severity]) > 0
    }
  ]...)
}

resource "grafana_folder" "rules" {
  provider = grafana.stack
  for_each = {
    records = "Chaos game days: recorded"
    page    = "Chaos game days: pages"
    ticket  = "Chaos game days: tickets"
  }

  uid   = "chaos-gameday-${each.key}"
  title = each.value
}

resource "grafana_rule_group" "records" {
  provider = grafana.stack
  for_each = local.recorded_groups

  name             = each.key
  folder_uid       = grafana_folder.rules["records"].uid
  interval_seconds = each.value.interval

  dynamic "rule" {
    for_each = each.value.rules
    content {
      name   = join(" ", compact([rule.value.record, lookup(rule.value.labels, "slo", "")]))
      labels = rule.value.labels

      data {
        ref_id         = "query"
        datasource_uid = local.data_sources[each.value.source]
        query_type     = each.value.source == "loki" ? "instant" : ""
        relative_time_range {
          from = 600
          to   = 0
        }
        model = jsonencode(merge(
          { refId = "query", expr = rule.value.expr },
          each.value.source == "loki" ? { queryType = "instant" } : { instant = true, range = false },
        ))
      }

      record {
        metric                = rule.value.record
        from                  = "query"
        target_datasource_uid = local.data_sources.prometheus
      }
    }
  }
}

resource "grafana_rule_group" "alerts" {
  provider = grafana.stack
  for_each = local.alert_groups

  name             = each.value.name
  folder_uid       = grafana_folder.rules[each.value.severity].uid
  interval_seconds = local.windows.rule_interval_seconds

  dynamic "rule" {
    for_each = each.value.rules
    content {
      name   = rule.value.alert
      for    = rule.value.for
      labels = rule.value.labels
      # Grafana's $value is a sentence about all queries; the number is the query's own.
      annotations    = { for key, text in rule.value.annotations : key => replace(text, "$value", "$values.query.Value") }
      condition      = "firing"
      no_data_state  = "OK" # as in Prometheus: no series, no alert
      exec_err_state = "Error"

      data {
        ref_id         = "query"
        datasource_uid = local.data_sources.prometheus
        relative_time_range {
          from = 600
          to   = 0
        }
        model = jsonencode({ refId = "query", expr = rule.value.expr, instant = true, range = false })
      }

      # Prometheus alerts on each series that there is, whatever its value, 0 too.
      data {
        ref_id         = "present"
        datasource_uid = "__expr__"
        relative_time_range {
          from = 0
          to   = 0
        }
        model = jsonencode({
          refId      = "present"
          type       = "math"
          expression = "is_number($query) || is_nan($query) || is_inf($query)"
        })
      }

      data {
        ref_id         = "firing"
        datasource_uid = "__expr__"
        relative_time_range {
          from = 0
          to   = 0
        }
        model = jsonencode({
          refId      = "firing"
          type       = "threshold"
          expression = "present"
          conditions = [{ evaluator = { type = "gt", params = [0] } }]
        })
      }
    }
  }
}
