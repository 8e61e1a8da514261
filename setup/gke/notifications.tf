# Where alerts go: to Slack, with the words of manifests/observability/alertmanager.yaml, if there is a webhook.
locals {
  alertmanager = yamldecode(file("${local.manifests}/observability/alertmanager.yaml"))
  slack_words  = one([for receiver in local.alertmanager.receivers : receiver.slack_configs[0] if receiver.name == "slack"])
  to_slack     = nonsensitive(var.slack_webhook_url != "")
}

resource "grafana_contact_point" "slack" {
  provider = grafana.stack
  count    = local.to_slack ? 1 : 0

  name = "chaos-gameday-slack"

  slack {
    url   = var.slack_webhook_url
    title = local.slack_words.title
    text  = local.slack_words.text
    color = local.slack_words.color
  }
}

resource "grafana_notification_policy" "root" {
  provider = grafana.stack
  count    = local.to_slack ? 1 : 0

  contact_point   = grafana_contact_point.slack[0].name
  group_by        = local.alertmanager.route.group_by
  group_wait      = local.alertmanager.route.group_wait
  group_interval  = local.alertmanager.route.group_interval
  repeat_interval = local.alertmanager.route.repeat_interval
}
