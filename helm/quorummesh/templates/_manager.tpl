{{/* Tessera's configuration, with our member quorummesh. The password comes as PGPASSWORD, which Npgsql reads. */}}
{{- define "qm.managerConfig" -}}
{{- $manager := .Values.manager -}}
{{- $tls := ne $manager.p2pTls.existingSecret "" -}}
{{- $scheme := ternary "https" "http" $tls -}}
{{- $url := default (printf "%s://%s:%v/" $scheme (include "qm.managerHost" .) $manager.p2pPort) $manager.url -}}
{{- $p2p := dict "app" "P2P" "serverAddress" $url "bindingAddress" (printf "%s://0.0.0.0:%v" $scheme $manager.p2pPort) "communicationType" "REST" -}}
{{- if $tls }}{{ $_ := set $p2p "sslConfig" (include "qm.managerSsl" . | fromYaml) }}{{ end -}}
{{- $servers := list $p2p -}}
{{- if $manager.thirdParty.enabled -}}
{{- $third := printf "http://0.0.0.0:%v" $manager.thirdParty.port -}}
{{- $servers = append $servers (dict "app" "ThirdParty" "serverAddress" $third "communicationType" "REST") -}}
{{- end -}}
{{- $peers := list -}}
{{- range $manager.peers }}{{ $peers = append $peers (dict "url" .) }}{{ end -}}
{{- $own := dict "grpc" (printf "https://0.0.0.0:%v" $manager.grpcPort)
      "grpcTls" (dict "certificate" "/tls/link/tls.crt" "key" "/tls/link/tls.key" "node" "/tls/peers/node.crt")
      "healthUrl" (printf "http://0.0.0.0:%v" $manager.healthPort)
      "enclave" (printf "https://%s:%v" (include "qm.enclaveHost" .) .Values.enclave.port)
      "enclaveTls" (dict "certificate" "/tls/link/tls.crt" "key" "/tls/link/tls.key" "enclave" "/tls/peers/enclave.crt")
      "tesseraPeers" $manager.tesseraPeers "logJson" .Values.logJson -}}
{{- $config := dict "serverConfigs" $servers "peer" $peers "disablePeerDiscovery" (not $manager.peerDiscovery) "quorummesh" $own
      "features" (dict "enableRemoteKeyValidation" true) "jdbc" (include "qm.jdbc" . | fromYaml) -}}
{{- mergeOverwrite $config $manager.config | toPrettyJson -}}
{{- end -}}

{{- define "qm.jdbc" -}}
{{- if eq .Values.manager.database.kind "sqlite" -}}
url: jdbc:sqlite:/data/manager/tm.db
{{- else -}}
url: {{ required "manager.database.url: jdbc:postgresql://host:port/database" .Values.manager.database.url | quote }}
{{- end -}}
{{- end -}}

{{- define "qm.managerSsl" -}}
{{- $mode := .Values.manager.p2pTls.trustMode -}}
tls: STRICT
serverTlsCertificatePath: /tls/p2p/tls.crt
serverTlsKeyPath: /tls/p2p/tls.key
serverTrustMode: {{ $mode }}
serverTrustCertificates: [/tls/p2p/ca.crt]
clientTlsCertificatePath: /tls/p2p/tls.crt
clientTlsKeyPath: /tls/p2p/tls.key
clientTrustMode: {{ $mode }}
clientTrustCertificates: [/tls/p2p/ca.crt]
{{- end -}}

{{- define "qm.managerConfigMap" -}}
{{- default (printf "%s-manager" (include "qm.fullname" .)) .Values.manager.existingConfigMap -}}
{{- end -}}

{{- define "qm.managerPod" -}}
{{- $manager := .Values.manager -}}
{{- $who := dict "root" $ "component" "manager" "part" $manager -}}
metadata:
  labels: {{ include "qm.labels" $who | nindent 4 }}
  annotations:
    {{- if not $manager.existingConfigMap }}
    checksum/config: {{ include "qm.managerConfig" . | sha256sum }}
    {{- end }}
    {{- with $manager.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "qm.serviceAccount" . }}
  {{- include "qm.podSettings" $who | nindent 2 }}
  containers:
    - name: manager
      image: {{ include "qm.image" (dict "root" $ "program" "manager") }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --configfile=/config/manager.json
        {{- range $manager.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      env:
        {{- include "qm.environment" $who | nindent 8 }}
        {{- if and (eq $manager.database.kind "postgresql") $manager.database.existingSecret }}
        - name: PGUSER
          valueFrom: {secretKeyRef: {name: {{ $manager.database.existingSecret }}, key: {{ $manager.database.usernameKey }}}}
        - name: PGPASSWORD
          valueFrom: {secretKeyRef: {name: {{ $manager.database.existingSecret }}, key: {{ $manager.database.passwordKey }}}}
        {{- end }}
      ports:
        - {name: p2p, containerPort: {{ $manager.p2pPort }}}
        - {name: grpc, containerPort: {{ $manager.grpcPort }}}
        {{- if $manager.thirdParty.enabled }}
        - {name: thirdparty, containerPort: {{ $manager.thirdParty.port }}}
        {{- end }}
        - {name: health, containerPort: {{ $manager.healthPort }}}
      {{- include "qm.probes" (dict "seconds" 600) | nindent 6 }}
      {{- include "qm.drain" (dict "root" $ "seconds" $manager.drainSeconds) | nindent 6 }}
      resources: {{ toYaml $manager.resources | nindent 8 }}
      securityContext: {{ include "qm.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /config, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- include "qm.linkMounts" . | nindent 8 }}
        {{- if $manager.p2pTls.existingSecret }}
        - {name: p2p-tls, mountPath: /tls/p2p, readOnly: true}
        {{- end }}
        {{- if eq $manager.database.kind "sqlite" }}
        - {name: data, mountPath: /data}
        {{- end }}
        {{- with $manager.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "qm.managerConfigMap" . }}}
    - name: tmp
      emptyDir: {}
    {{- include "qm.linkVolumes" (dict "root" $ "side" "manager") | nindent 4 }}
    {{- with $manager.p2pTls.existingSecret }}
    - name: p2p-tls
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with $manager.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
