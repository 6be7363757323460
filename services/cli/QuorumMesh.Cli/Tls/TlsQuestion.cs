namespace QuorumMesh.Cli.Tls;

/// <summary>A link as its calling side has it; null where it has none of that.</summary>
internal sealed record TlsQuestion
{
    public required Uri Url { get; init; }

    /// <summary>PEM file of CAs.</summary>
    public string? Authorities { get; init; }

    /// <summary>Tessera's file of known servers.</summary>
    public string? Known { get; init; }

    /// <summary>PEM file with the server's certificate.</summary>
    public string? Pinned { get; init; }

    /// <summary>PEM file of what is shown to the server.</summary>
    public string? Certificate { get; init; }

    public string? Key { get; init; }
}

internal enum TlsVerdict
{
    Told,
    Good,
    Bad,
}

internal sealed record TlsFinding(TlsVerdict Verdict, string Text);
