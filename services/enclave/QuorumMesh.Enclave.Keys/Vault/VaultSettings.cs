namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>How one logs in at HashiCorp Vault or OpenBao.</summary>
internal enum VaultAuth
{
    Token,
    AppRole,
    Kubernetes,
    Jwt,
}

/// <summary>
/// A vault and the way into it, as the configuration gives them. Names of files and variables, never a secret: two that are equal are
/// the same session.
/// </summary>
/// <param name="Setting">Where the configuration says it, for errors.</param>
/// <param name="Addresses">Base addresses, each with the path before the mount; the first that answers is asked.</param>
/// <param name="AuthPath">The mount of the log-in method.</param>
/// <param name="TransitPath">The mount of the transit engine.</param>
internal sealed record VaultSettings(string Setting, EquatableList<Uri> Addresses, VaultAuth Auth, string AuthPath, string TransitPath)
{
    /// <summary>How often the keys are looked at unless the configuration says otherwise.</summary>
    public static readonly TimeSpan DefaultRefresh = TimeSpan.FromSeconds(60);

    /// <summary>How long a running enclave goes on without its vault unless the configuration says otherwise.</summary>
    public static readonly TimeSpan DefaultMaxAge = TimeSpan.FromHours(72);

    /// <summary>X-Vault-Namespace; null sends none.</summary>
    public string? Namespace { get; init; }

    /// <summary>For Kubernetes and JWT.</summary>
    public string? Role { get; init; }

    /// <summary>Where the token, the role id, the secret id and the JWT are; a file goes before its variable.</summary>
    public SecretPlace Token { get; init; }

    public SecretPlace RoleId { get; init; }

    public SecretPlace SecretId { get; init; }

    public SecretPlace Jwt { get; init; }

    /// <summary>Whether secret id or token are in a wrapping token, opened once at the start.</summary>
    public bool Wrapped { get; init; }

    /// <summary>The transit key that private keys are wrapped with; null where KV holds them plain.</summary>
    public string? TransitKey { get; init; }

    /// <summary>Authorities that alone are trusted: PEM, or PKCS12 as Tessera's tlsTrustStorePath; null is the system's.</summary>
    public string? TrustFile { get; init; }

    /// <summary>Our certificate for the listener: PKCS12, or PEM with its key.</summary>
    public string? ClientFile { get; init; }

    public SecretPlace TrustPassword { get; init; }

    public SecretPlace ClientPassword { get; init; }

    /// <summary>At least a second.</summary>
    public TimeSpan Refresh { get; init; } = DefaultRefresh;

    /// <summary><see cref="Timeout.InfiniteTimeSpan"/>: for ever.</summary>
    public TimeSpan MaxAge { get; init; } = DefaultMaxAge;

    /// <summary>Versions before the latest that are loaded to open old payloads.</summary>
    public int OlderVersions { get; init; } = 10;
}

/// <summary>A file or an environment variable that holds one secret; both null where there is none.</summary>
internal readonly record struct SecretPlace(string? File, string? Variable)
{
    public bool IsNone => File is null && Variable is null;

    /// <summary>For errors: the name, never the content.</summary>
    public override string ToString() => File is not null ? $"'{File}'" : Variable ?? "nowhere";
}

/// <summary>A list that is equal to another with the same items.</summary>
internal sealed class EquatableList<T>(IEnumerable<T> items) : IEquatable<EquatableList<T>>
{
    public IReadOnlyList<T> Items { get; } = [.. items];

    public bool Equals(EquatableList<T>? other) => other is not null && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => Equals(obj as EquatableList<T>);

    public override int GetHashCode() => Items.Aggregate(Items.Count, (hash, item) => HashCode.Combine(hash, item));
}
