using QuorumMesh.Tls;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>Who may call over HTTP and WebSocket, and how. Nothing set lets everybody in, as on loopback.</summary>
public sealed record RpcAccessOptions
{
    /// <summary>Null serves plain text.</summary>
    public TlsServer? Tls { get; init; }

    /// <summary>Null asks for no token.</summary>
    public TokenOptions? Tokens { get; init; }

    /// <summary>Where the keys come from that tokens are signed with; wanted with <see cref="Tokens"/>.</summary>
    public ITokenKeys? Keys { get; init; }

    /// <summary>Calls in a second that one caller may make; 0 for no limit.</summary>
    public int Rate { get; init; }

    /// <summary>What ends tokens.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>What a token must say.</summary>
public sealed record TokenOptions
{
    /// <summary>Claim <c>iss</c>: one of these.</summary>
    public required IReadOnlyList<string> Issuers { get; init; }

    /// <summary>Claim <c>aud</c>: one of these is among them.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>How far the clocks of node and issuer may be apart.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The claim that holds the scopes: a string with spaces or commas between, or a list.</summary>
    public string ScopeClaim { get; init; } = "scope";
}
