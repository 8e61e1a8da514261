# Where alerts go: to Slack, with the words of manifests/observability/alertmanager.yaml, by a webhook, or else as a bot.
locals {
  alertmanager = yamldecode(file("${local.manifests}/observability/alertmanager.yaml"))
  slack_words  = one([for receiver in local.alertmanager.receivers : receiver.slack_configs[0] if receiver.name == "slack"])
  by_webhook   = nonsensitive(var.slack_webhook_url != "")
  to_slack     = local.by_webhook || nonsensitive(var.slack_token != "")
  slack_way = {
    url       = local.by_webhook ? var.slack_webhook_url : null
    token     = local.by_webhook ? null : var.slack_token
    recipient = local.by_webhook ? null : var.slack_channel
  }
}

resource "grafana_contact_point" "slack" {
  provider = grafana.stack
  count    = local.to_slack ? 1 : 0

  name = "chaos-gameday-slack"

  slack {
    url       = local.slack_way.url
    token     = local.slack_way.token
    recipient = local.slack_way.recipient
    title     = local.slack_words.title
    text      = local.slack_words.text
    color     = local.slack_words.color
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
