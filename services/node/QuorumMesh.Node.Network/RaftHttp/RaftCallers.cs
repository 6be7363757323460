using Microsoft.AspNetCore.Http;
using QuorumMesh.Node.Network.Identity;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Whether a request may be the member's that it names. The statuses 403 and 410 are never the answer: etcd's members take them for
/// the word that they were removed.
/// </summary>
internal sealed class RaftCallers(RaftTransportOptions options, RaftTransport.Events host)
{
    /// <returns>Null where the request may be this member's.</returns>
    public CallerRefusal? Refuse(HttpContext context, RaftHttpPeer named)
    {
        if (options.Tls is not { } tls) return null;
        if (context.Connection.ClientCertificate is { } shown)
            return MemberCertificates.RefuseAs(named.Address, shown) is { } why
                ? new CallerRefusal("another-member", $"the certificate is not the member's: {why}") : null;
        return tls.TakesPlainTextOf(Convert.ToHexStringLower(named.Address.NodeId)) ? null
            : new CallerRefusal("plain-text", "this member takes plain text of those alone that --raft.tls.plain names");
    }

    /// <summary>Who asks for the membership: with <see cref="RaftTlsMode.Require"/> a member.</summary>
    public CallerRefusal? RefuseQuestion(HttpContext context)
    {
        if (options.Tls is not { Mode: RaftTlsMode.Require }) return null;
        return RaftHttpHeaders.TryParseId(context.Request.Headers[RaftHttpHeaders.ServerFrom], out var from) && host.Peer(from) is { } named
            ? Refuse(context, named) : new CallerRefusal("unknown-sender", "members alone are told the membership");
    }

    /// <summary>The member that a request names, and may be of.</summary>
    /// <returns>Null, and why, for anybody else.</returns>
    public (RaftHttpPeer? Caller, CallerRefusal? Refusal) Identify(HttpContext context)
    {
        if (!RaftHttpHeaders.TryParseId(context.Request.Headers[RaftHttpHeaders.ServerFrom], out var from)
            || host.Peer(from) is not { } named)
            return (null, new CallerRefusal("unknown-sender", "members alone are told transactions"));
        return Refuse(context, named) is { } refusal ? (null, refusal) : (named, null);
    }

    /// <summary>Plain text never takes the place of a stream that its member has proven to be its own.</summary>
    public CallerRefusal? RefuseTakeover(HttpContext context, RaftStreamWriter writer) => context.Request.IsHttps || !writer.IsProven ? null
        : new CallerRefusal("plain-beside-tls", "the member has this stream open over TLS");
}

/// <param name="Reason">For metrics and the log.</param>
/// <param name="Text">For the caller.</param>
internal sealed record CallerRefusal(string Reason, string Text);
