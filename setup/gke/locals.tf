# What the configuration reads of the repository: one definition for every environment, none repeated here.
locals {
  root      = "${path.module}/../.."
  manifests = "${local.root}/manifests"

  labels = {
    owner      = var.owner
    purpose    = "chaos-gameday"
    managed-by = "terraform"
  }

  # The shop.
  app       = [for document in split("\n---\n", file("${local.manifests}/app.yaml")) : yamldecode(document)]
  namespace = one([for object in local.app : object.metadata.name if object.kind == "Namespace"])
  services = {
    for object in local.app : object.metadata.name => {
      address     = "${object.metadata.name}.${object.metadata.namespace}.svc.cluster.local:${object.spec.ports[0].port}"
      annotations = try(object.metadata.annotations, {})
    } if object.kind == "Service"
  }
  checked_services = {
    for name, service in local.services : name => "http://${service.address}${service.annotations["prometheus.io/path"]}"
    if lookup(service.annotations, "prometheus.io/probe", "") == "true"
  }
  redis_addresses = {
    for name, service in local.services : name => service.address
    if lookup(service.annotations, "prometheus.io/exporter", "") == "redis"
  }
  # The exporter's own role in PostgreSQL, which reads statistics and nothing else.
  exporter_login = one([
    for object in local.app : object.data
    if object.kind == "Secret" && object.metadata.name == "product-data-exporter"
  ])

  # How it is watched.
  windows = yamldecode(file("${local.manifests}/windows.yaml")).environments[var.windows]
  exported_series = {
    for job in yamldecode(file("${local.manifests}/observability/scrape.yaml")).scrape_configs :
    job.job_name => job.metric_relabel_configs[0].regex if can(job.metric_relabel_configs)
  }
}
