# The versions that the configuration was written for, pinned: `setup/gke/up` never takes a newer one by itself.
# The first `terraform init` writes .terraform.lock.hcl, with the providers' checksums; commit it.
terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "7.45.0"
    }
    grafana = {
      source  = "grafana/grafana"
      version = "4.45.1"
    }
    helm = {
      source  = "hashicorp/helm"
      version = "3.1.2"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "3.2.1"
    }
  }
}
