using QuorumMesh.Node.Network.Identity;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Node;

/// <summary>The flags --raft.tls and --raft.tls.…; null where one is absent.</summary>
public sealed record RaftTlsSettings
{
    private const int NodeIdDigits = 128;

    public RaftTlsMode Mode { get; init; }

    /// <summary>Enode URLs or node ids.</summary>
    public IReadOnlyList<string> Plain { get; init; } = [];
    public string? Certificate { get; init; }
    public string? Key { get; init; }
    public string? Authorities { get; init; }

    /// <summary>Whether anything else than the default is asked for.</summary>
    public bool IsGiven => Mode != RaftTlsMode.Accept || Plain.Count > 0 || (Certificate ?? Key ?? Authorities) is not null;

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public void Validate()
    {
        if (Certificate is null != Key is null)
            throw new OptionsException(Certificate is null ? "--raft.tls.key" : "--raft.tls.cert",
                "certificate and key go together: give --raft.tls.cert and --raft.tls.key");
        if (Certificate is not null && Authorities is null)
            throw new OptionsException("--raft.tls.cert", "needs --raft.tls.ca too: the CAs by which the others' certificates are judged");
        _ = PlainMembers();
    }

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    internal RaftTlsOptions Open(TlsMaterials materials, INodeSigner node, Action<string> tell)
    {
        var certificate = Certificate is null
            ? materials.Made("raft", now => NodeCertificate.Make(node, now), NodeCertificate.Renewal)
            : materials.Certificate("raft", "--raft.tls.cert", CertificateFiles.Pem("--raft.tls.cert", Certificate, Key!));
        var authorities = Authorities is null ? null : materials.Authorities("--raft.tls.ca", [Authorities]);
        return new RaftTlsOptions
        {
            Mode = Mode,
            Certificate = certificate,
            Members = new MemberCertificates(authorities, TimeProvider.System),
            PlainMembers = PlainMembers(),
            Tell = tell,
        };
    }

    /// <summary>128 lower-case hex digits each.</summary>
    private HashSet<string> PlainMembers() => [.. Plain.Select(NodeId)];

    private static string NodeId(string text)
    {
        if (Enode.TryParse(text, out var enode)) return enode.NodeId;
        if (text.Length == NodeIdDigits && text.All(char.IsAsciiHexDigit)) return text.ToLowerInvariant();
        throw new OptionsException("--raft.tls.plain", $"'{text}' is neither an enode URL nor a node id of {NodeIdDigits} hex digits");
    }
}
