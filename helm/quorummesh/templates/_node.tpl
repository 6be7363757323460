{{/* Host names that JSON-RPC answers to: those of its service, of the ingress and gateway, and what the group adds. */}}
{{- define "qm.vhosts" -}}
{{- $service := printf "%s-%s" (include "qm.fullname" .root) .name -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $hosts := list "localhost" $service (printf "%s.%s" $service $namespace) (printf "%s.%s.svc" $service $namespace) (printf "%s.%s.svc.%s" $service $namespace .root.Values.clusterDomain) -}}
{{- range list .root.Values.ingress .root.Values.gateway -}}
{{- if and .enabled .host }}{{ $hosts = append $hosts .host }}{{ end -}}
{{- end -}}
{{- concat $hosts .group.rpc.vhosts | uniq | join "," -}}
{{- end -}}

{{/* Who may call: TLS and callers who prove who they are, or an explicit word that something in front does it. */}}
{{- define "qm.rpcGuard" -}}
{{- $rpc := .group.rpc -}}
{{- $asks := or $rpc.clientCa.existingConfigMap $rpc.jwt.jwksUrl $rpc.jwt.existingConfigMap -}}
{{- if not $rpc.insecure -}}
{{- if not (and $rpc.tls.existingSecret $asks) -}}
{{- fail (printf "nodes.%s.rpc: beyond loopback it needs tls.existingSecret and callers who prove who they are (clientCa or jwt); or insecure: true behind a proxy that does both" .name) -}}
{{- end -}}
{{- end -}}
{{- if and $rpc.jwt.jwksUrl $rpc.jwt.existingConfigMap }}{{ fail (printf "nodes.%s.rpc.jwt: jwksUrl and existingConfigMap both name the keys: give one" .name) }}{{ end -}}
{{- end -}}

{{- define "qm.rpcArgs" -}}
{{- $rpc := .group.rpc -}}
{{- include "qm.rpcGuard" . -}}
- --http
- --http.addr=0.0.0.0
- --http.port={{ $rpc.httpPort }}
- --http.api={{ $rpc.apis }}
- --http.vhosts={{ include "qm.vhosts" . }}
{{- with $rpc.corsDomains }}
- --http.corsdomain={{ join "," . }}
{{- end }}
{{- with $rpc.methods }}
- --http.methods={{ . }}
{{- end }}
{{- if $rpc.websocket }}
- --ws
- --ws.addr=0.0.0.0
- --ws.port={{ $rpc.wsPort }}
- --ws.api={{ $rpc.apis }}
{{- with $rpc.corsDomains }}
- --ws.origins={{ join "," . }}
{{- end }}
{{- with $rpc.methods }}
- --ws.methods={{ . }}
{{- end }}
{{- end }}
{{- with $rpc.ratePerCaller }}
- --rpc.rate={{ . }}
{{- end }}
{{- if $rpc.insecure }}
- --rpc.insecure
{{- end }}
{{- if $rpc.tls.existingSecret }}
- --rpc.tls.cert=/tls/rpc/tls.crt
- --rpc.tls.key=/tls/rpc/tls.key
{{- end }}
{{- if $rpc.clientCa.existingConfigMap }}
- --rpc.tls.clientca=/tls/clientca/ca.crt
{{- end }}
{{- if $rpc.jwt.jwksUrl }}
- --rpc.jwt.jwks={{ $rpc.jwt.jwksUrl }}
{{- else if $rpc.jwt.existingConfigMap }}
- --rpc.jwt.jwks=/tls/jwks/jwks.json
{{- end }}
{{- if or $rpc.jwt.jwksUrl $rpc.jwt.existingConfigMap }}
- --rpc.jwt.issuer={{ required (printf "nodes.%s.rpc.jwt.issuer" .name) $rpc.jwt.issuer }}
- --rpc.jwt.audience={{ required (printf "nodes.%s.rpc.jwt.audience" .name) $rpc.jwt.audience }}
{{- end }}
{{- end -}}

{{- define "qm.nodeArgs" -}}
{{- $values := .root.Values -}}
- --datadir=/data/node
- --genesis=/network/genesis.json
- --peers.lists=/network
- --nodekey=/keys/node/key
- --port={{ .group.p2pPort }}
- --maxpeers={{ .group.maxPeers }}
- --health-url=http://0.0.0.0:{{ .group.healthPort }}
- --cache={{ .group.cacheMegabytes }}
- --private-guard={{ .group.privateGuard }}
{{- if eq $values.network.consensus "raft" }}
- --raft
- --raftport={{ .group.raftPort }}
- --raft.tls={{ $values.network.raftTls }}
{{- end }}
{{- if .group.raftLog.enabled }}
- --raftlogdir=/raftlog/node
{{- end }}
{{- if $values.network.permissioned }}
- --permissioned
{{- end }}
{{- if .group.archive }}
- --gcmode=archive
{{- end }}
{{- if .group.blockTimesInSeconds }}
- --rpc.blocktimes-in-seconds
{{- end }}
{{- if $values.logJson }}
- --log-json
{{- end }}
{{- if and $values.manager.enabled .group.manager }}
- --privacy=https://{{ include "qm.managerHost" .root }}:{{ $values.manager.grpcPort }}
- --privacy.tls.cert=/tls/link/tls.crt
- --privacy.tls.key=/tls/link/tls.key
- --privacy.tls.manager=/tls/peers/manager.crt
{{- end }}
{{- with .group.accounts }}
{{- if .existingSecret }}
- --keystore=/keys/accounts
{{- if .unlock }}
- --unlock={{ .unlock }}
- --password=/keys/accounts/{{ required "accounts.passwordKey: the key of accounts.existingSecret that holds the passwords, one a line" .passwordKey }}
{{- end }}
{{- end }}
{{- end }}
{{- if .group.rpc.allowInsecureUnlock }}
- --allow-insecure-unlock
{{- end }}
{{- if .group.rpc.enabled }}
{{ include "qm.rpcArgs" . }}
{{- end }}
{{- range .group.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "qm.nodeMounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: network, mountPath: /network, readOnly: true}
- {name: node-key, mountPath: /keys/node/key, subPathExpr: $(POD_NAME), readOnly: true}
{{- if .group.raftLog.enabled }}
- {name: raftlog, mountPath: /raftlog}
{{- end }}
{{- if .group.accounts.existingSecret }}
- {name: accounts, mountPath: /keys/accounts, readOnly: true}
{{- end }}
{{- if and .root.Values.manager.enabled .group.manager }}
{{ include "qm.linkMounts" . }}
{{- end }}
{{- if .group.rpc.enabled }}
{{- if .group.rpc.tls.existingSecret }}
- {name: rpc-tls, mountPath: /tls/rpc, readOnly: true}
{{- end }}
{{- if .group.rpc.clientCa.existingConfigMap }}
- {name: client-ca, mountPath: /tls/clientca, readOnly: true}
{{- end }}
{{- if .group.rpc.jwt.existingConfigMap }}
- {name: jwks, mountPath: /tls/jwks, readOnly: true}
{{- end }}
{{- end }}
{{- with .group.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "qm.nodeVolumes" -}}
- name: tmp
  emptyDir: {}
- name: network
  configMap: {name: {{ include "qm.networkConfigMap" .root }}}
- name: node-key
  secret:
    secretName: {{ required (printf "nodes.%s.nodeKey.existingSecret: the secret with one key a pod, named as the pod" .name) .group.nodeKey.existingSecret }}
    defaultMode: 0440
{{- if .group.accounts.existingSecret }}
- name: accounts
  secret: {secretName: {{ .group.accounts.existingSecret }}, defaultMode: 0440}
{{- end }}
{{- if and .root.Values.manager.enabled .group.manager }}
{{ include "qm.linkVolumes" (dict "root" .root "side" "node") }}
{{- end }}
{{- if .group.rpc.enabled }}
{{- with .group.rpc.tls.existingSecret }}
- name: rpc-tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with .group.rpc.clientCa.existingConfigMap }}
- name: client-ca
  configMap: {name: {{ . }}}
{{- end }}
{{- with .group.rpc.jwt.existingConfigMap }}
- name: jwks
  configMap: {name: {{ . }}}
{{- end }}
{{- end }}
{{- with .group.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A claim of a StatefulSet. Takes (dict "name" "data" "size" … "class" … "mode" …). */}}
{{- define "qm.claim" -}}
- metadata:
    name: {{ .name }}
  spec:
    accessModes: [{{ .mode }}]
    {{- with .class }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end -}}

{{/* Claims outlive the release and a smaller number of pods, whatever the cluster's default is. The field is on by default from 1.27. */}}
{{- define "qm.keepClaims" -}}
{{- if semverCompare ">=1.27-0" .Capabilities.KubeVersion.Version -}}
persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
{{- end -}}
{{- end -}}
