namespace QuorumMesh.Tls;

/// <summary>A setting of TLS, or a file that it names, cannot be used; the message says what to do and holds no secret.</summary>
/// <param name="setting">As the operator wrote it: <c>--rpc.tls.cert</c>, <c>serverConfigs[1].sslConfig.serverKeyStore</c>.</param>
public sealed class TlsSetupException(string setting, string problem, Exception? inner = null) : Exception($"{setting}: {problem}", inner)
{
    /// <summary>The message without the setting.</summary>
    public string Problem => problem;
}
