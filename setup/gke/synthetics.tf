# Synthetic monitoring: a probe of our own inside the cluster, and a check of every Service of app.yaml that wants
# one. A check's job is NAMESPACE-SERVICE, as the SLIs ask for it.
#
# The five data stores want none: pg_up and redis_up log in, which says more than that a port is open, and the alert
# DataStoreDown goes by them; no SLI or alert would read a check of TCP, and five more would be paid for (README.md).
resource "grafana_synthetic_monitoring_installation" "this" {
  provider = grafana.cloud

  stack_id              = grafana_cloud_stack.this.id
  metrics_publisher_key = grafana_cloud_access_policy_token.synthetics.token
}

resource "grafana_synthetic_monitoring_probe" "cluster" {
  provider = grafana.synthetics

  name                    = "${var.name}-gke"
  region                  = "AMER"
  latitude                = 41.26 # a probe needs a place on the map: us-central1 is in Iowa
  longitude               = -95.86
  disable_scripted_checks = true
  disable_browser_checks  = true
  labels                  = { owner = replace(var.owner, "-", "_") }
}

resource "grafana_synthetic_monitoring_check" "service" {
  provider = grafana.synthetics
  for_each = local.checked_services

  job       = "${local.namespace}-${each.key}"
  target    = each.value
  enabled   = var.app_ready
  probes    = [grafana_synthetic_monitoring_probe.cluster.id]
  frequency = local.windows.scrape_interval_seconds * 1000
  timeout   = 2000
  labels    = { service = each.key }

  settings {
    http {
      method              = "GET"
      ip_version          = "V4"
      no_follow_redirects = true
    }
  }
}

resource "kubernetes_secret_v1" "probe" {
  metadata {
    name      = "synthetic-monitoring-probe"
    namespace = kubernetes_namespace_v1.monitoring.metadata[0].name
  }

  data = { token = grafana_synthetic_monitoring_probe.cluster.auth_token }
}

resource "kubernetes_deployment_v1" "probe" {
  metadata {
    name      = "synthetic-monitoring-probe"
    namespace = kubernetes_namespace_v1.monitoring.metadata[0].name
  }

  spec {
    replicas = 1
    strategy {
      type = "Recreate" # the API takes one connection of a probe
    }
    selector {
      match_labels = { "app.kubernetes.io/name" = "synthetic-monitoring-probe" }
    }

    template {
      metadata {
        labels = { "app.kubernetes.io/name" = "synthetic-monitoring-probe" }
      }

      spec {
        automount_service_account_token = false

        security_context {
          run_as_non_root = true
          run_as_user     = 12345 # the image's own
          run_as_group    = 12345
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }

        container {
          name  = "agent"
          image = "grafana/synthetic-monitoring-agent:v0.63.0"

          image_pull_policy = "IfNotPresent"
          args = [
            # Its gRPC address differs from the API's by one word, in every region.
            "-api-server-address=${replace(trimprefix(grafana_synthetic_monitoring_installation.this.stack_sm_api_url, "https://"), "-api", "-grpc")}:443",
            "-listen-address=:4050",
          ]

          env {
            name = "SM_AGENT_API_TOKEN"
            value_from {
              secret_key_ref {
                name = kubernetes_secret_v1.probe.metadata[0].name
                key  = "token"
              }
            }
          }

          # Whether its server answers at all: /ready waits for the API, whose absence no restart mends.
          liveness_probe {
            http_get {
              path = "/"
              port = 4050
            }
            period_seconds    = 20
            failure_threshold = 6
          }

          readiness_probe {
            http_get {
              path = "/ready"
              port = 4050
            }
          }

          resources {
            requests = { cpu = "50m", memory = "128Mi" }
            limits   = { cpu = "500m", memory = "512Mi" }
          }

          security_context {
            allow_privilege_escalation = false
            read_only_root_filesystem  = true
            capabilities {
              drop = ["ALL"]
              add  = ["NET_RAW"] # the program's file has it, and could not be started without
            }
          }

          volume_mount {
            name       = "tmp"
            mount_path = "/tmp"
          }
        }

        volume {
          name = "tmp"
          empty_dir {}
        }
      }
    }
  }
}
