{{/* Tessera's enclave configuration: where keys are, never a key. */}}
{{- define "qm.enclaveConfig" -}}
{{- $keys := .Values.enclave.keys -}}
{{- $data := list -}}
{{- if eq $keys.source "vault" -}}
{{- range $keys.vault.secrets -}}
{{- $entry := dict "hashicorpVaultSecretEngineName" $keys.vault.engine "hashicorpVaultSecretName" .name
      "hashicorpVaultPublicKeyId" "publicKey" "hashicorpVaultPrivateKeyId" "privateKey" -}}
{{- if .retired }}{{ $_ := set $entry "retired" true }}{{ end -}}
{{- $data = append $data $entry -}}
{{- end -}}
{{- else -}}
{{- range concat $keys.names $keys.retired -}}
{{- $entry := dict "privateKeyPath" (printf "/keys/enclave/%s.key" .) "publicKeyPath" (printf "/keys/enclave/%s.pub" .) -}}
{{- if has . $keys.retired }}{{ $_ := set $entry "retired" true }}{{ end -}}
{{- $data = append $data $entry -}}
{{- end -}}
{{- end -}}
{{- if not $data }}{{ fail "enclave.keys: names no key (names, or vault.secrets)" }}{{ end -}}
{{- $section := dict "keyData" $data -}}
{{- if and $keys.passwords (ne $keys.source "vault") }}{{ $_ := set $section "passwordFile" "/keys/enclave/passwords" }}{{ end -}}
{{- if eq $keys.source "vault" }}{{ $_ := set $section "keyVaultConfigs" (list (dict "keyVaultType" "HASHICORP" "properties" (include "qm.vault" . | fromYaml))) }}{{ end -}}
{{- dict "keys" $section | toPrettyJson -}}
{{- end -}}

{{- define "qm.vault" -}}
{{- $vault := .Values.enclave.keys.vault -}}
url: {{ required "enclave.keys.vault.url" $vault.url | quote }}
auth: kubernetes
authPath: {{ $vault.authPath | quote }}
role: {{ required "enclave.keys.vault.role: the role of Vault's Kubernetes log-in" $vault.role | quote }}
jwtFile: /var/run/secrets/vault/token
{{- with $vault.otherUrls }}
otherUrls: {{ toJson . }}
{{- end }}
{{- with $vault.namespace }}
namespace: {{ . | quote }}
{{- end }}
{{- with $vault.transitKey }}
transitKey: {{ . | quote }}
{{- end }}
{{- if $vault.caConfigMap }}
caFile: /tls/vault/ca.crt
{{- end }}
{{- end -}}

{{- define "qm.enclaveConfigMap" -}}
{{- default (printf "%s-enclave" (include "qm.fullname" .)) .Values.enclave.existingConfigMap -}}
{{- end -}}

{{- define "qm.enclaveKeyVolumes" -}}
{{- $keys := .Values.enclave.keys -}}
{{- if eq $keys.source "secret" }}
- name: keys
  secret: {secretName: {{ required "enclave.keys.existingSecret: the secret with NAME.key and NAME.pub for each of enclave.keys.names" $keys.existingSecret }}, defaultMode: 0440}
{{- else if eq $keys.source "csi" }}
- name: keys
  csi:
    driver: {{ $keys.csi.driver }}
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ required "enclave.keys.csi.secretProviderClass" $keys.csi.secretProviderClass }}
{{- else }}
- name: vault-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, audience: {{ $keys.vault.audience | quote }}, expirationSeconds: 3600}
{{- with $keys.vault.caConfigMap }}
- name: vault-ca
  configMap: {name: {{ . }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "qm.enclaveKeyMounts" -}}
{{- $keys := .Values.enclave.keys -}}
{{- if eq $keys.source "vault" }}
- {name: vault-token, mountPath: /var/run/secrets/vault, readOnly: true}
{{- if $keys.vault.caConfigMap }}
- {name: vault-ca, mountPath: /tls/vault, readOnly: true}
{{- end }}
{{- else }}
- {name: keys, mountPath: /keys/enclave, readOnly: true}
{{- end }}
{{- end -}}
