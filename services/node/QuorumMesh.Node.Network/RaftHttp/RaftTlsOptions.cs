using QuorumMesh.Node.Network.Identity;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>TLS between the members of a Raft cluster.</summary>
public sealed record RaftTlsOptions
{
    public required RaftTlsMode Mode { get; init; }

    /// <summary>What this member shows, as a server and as a client.</summary>
    public required CertificateSource Certificate { get; init; }

    public required MemberCertificates Members { get; init; }

    /// <summary>Node ids (128 lower-case hex digits) of members that speak plain text alone: GoQuorums.</summary>
    public IReadOnlySet<string> PlainMembers { get; init; } = new HashSet<string>();

    /// <summary>Takes a line for the log, of which there are not many.</summary>
    public Action<string> Tell { get; init; } = static _ => { };

    /// <summary>For a whole handshake.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a member that did not speak TLS is called in plain text before TLS is tried again.</summary>
    public TimeSpan PlainTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the port takes plain text from anybody at all.</summary>
    internal bool TakesPlainText => Mode != RaftTlsMode.Require || PlainMembers.Count > 0;

    /// <param name="nodeId">128 lower-case hex digits.</param>
    internal bool TakesPlainTextOf(string nodeId) => Mode != RaftTlsMode.Require || PlainMembers.Contains(nodeId);
}

/// <summary>How a running cluster comes to TLS, node by node. The port takes TLS in each of them.</summary>
public enum RaftTlsMode
{
    /// <summary>Others are called in plain text, as by GoQuorum.</summary>
    Accept,

    /// <summary>Others are called over TLS, and in plain text where they do not speak it and never have.</summary>
    Prefer,

    /// <summary>TLS alone, but for the members that are named.</summary>
    Require,
}
