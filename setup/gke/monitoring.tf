# The collectors in the cluster: Grafana's k8s-monitoring chart, with the PostgreSQL integration. The chart 4.x has
# none for Redis: Alloy's own Redis exporter is configured beside it, once for each Redis Service of app.yaml.
resource "kubernetes_namespace_v1" "monitoring" {
  metadata {
    name   = "monitoring"
    labels = { owner = var.owner }
  }

  depends_on = [google_container_node_pool.shop]
}

resource "kubernetes_secret_v1" "grafana_cloud" {
  metadata {
    name      = "grafana-cloud"
    namespace = kubernetes_namespace_v1.monitoring.metadata[0].name
  }

  data = {
    metrics-user = tostring(grafana_cloud_stack.this.prometheus_user_id)
    logs-user    = tostring(grafana_cloud_stack.this.logs_user_id)
    traces-user  = tostring(grafana_cloud_stack.this.id)
    token        = grafana_cloud_access_policy_token.collectors.token
  }
}

# A copy, so that the collectors start before the shop does and may read no Secret of the shop's namespace.
resource "kubernetes_secret_v1" "product_data_exporter" {
  metadata {
    name      = "product-data-exporter"
    namespace = kubernetes_namespace_v1.monitoring.metadata[0].name
  }

  data = { for key, value in local.exporter_login : key => base64decode(value) }
}

resource "helm_release" "k8s_monitoring" {
  name       = "k8s-monitoring"
  repository = "https://grafana.github.io/helm-charts"
  chart      = "k8s-monitoring"
  version    = "4.4.0"
  namespace  = kubernetes_namespace_v1.monitoring.metadata[0].name
  timeout    = 600

  values = [
    templatefile("${path.module}/k8s-monitoring.yaml", {
      cluster         = var.name
      interval        = "${local.windows.scrape_interval_seconds}s"
      metrics_url     = grafana_cloud_stack.this.prometheus_remote_write_endpoint
      logs_url        = "${grafana_cloud_stack.this.logs_url}/loki/api/v1/push"
      traces_url      = "${grafana_cloud_stack.this.otlp_url}/otlp"
      postgres_series = local.exported_series["postgres"]
    }),
    yamlencode({
      collectors = {
        alloy-metrics = {
          extraConfig = templatefile("${path.module}/redis.alloy.tftpl", {
            addresses = local.redis_addresses
            namespace = local.namespace
            interval  = "${local.windows.scrape_interval_seconds}s"
            series    = local.exported_series["redis"]
          })
        }
      }
    }),
  ]

  depends_on = [kubernetes_secret_v1.grafana_cloud, kubernetes_secret_v1.product_data_exporter]
}
