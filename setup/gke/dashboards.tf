locals {
  # Every stack has these data sources, by these uids.
  data_sources = {
    prometheus = "grafanacloud-prom"
    loki       = "grafanacloud-logs"
    tempo      = "grafanacloud-traces"
  }

  # A dashboard names a data source by a template variable: which source it stands for here.
  data_source_of_variable = {
    datasource = local.data_sources.prometheus
    loki       = local.data_sources.loki
    tempo      = local.data_sources.tempo
  }
  dashboards = {
    for file in fileset("${local.root}/dashboards", "*.json") : file => merge(local.dashboard_files[file], {
      templating = {
        list = [
          for variable in try(local.dashboard_files[file].templating.list, []) : merge(variable, {
            for key in ["current"] : key => {
              text  = local.data_source_of_variable[variable.name]
              value = local.data_source_of_variable[variable.name]
            } if variable.type == "datasource" && contains(keys(local.data_source_of_variable), variable.name)
          })
        ]
      }
    })
  }
  dashboard_files = {
    for file in fileset("${local.root}/dashboards", "*.json") : file => jsondecode(file("${local.root}/dashboards/${file}"))
  }
}

resource "grafana_folder" "dashboards" {
  provider = grafana.stack

  uid   = "chaos-gameday"
  title = "Chaos game days"
}

resource "grafana_dashboard" "this" {
  provider = grafana.stack
  for_each = local.dashboards

  folder      = grafana_folder.dashboards.uid
  config_json = jsonencode(each.value)
  overwrite   = true
}
