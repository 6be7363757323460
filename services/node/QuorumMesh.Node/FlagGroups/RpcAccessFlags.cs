using System.CommandLine;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>Who may call JSON-RPC over HTTP and WebSocket.</summary>
internal sealed class RpcAccessFlags(FlagList flags, RpcAccessSettings defaults)
{
    public Option<string> Certificate { get; } =
        flags.Text("--rpc.tls.cert", "PEM file with the certificate of JSON-RPC over HTTP and WebSocket, and those between it and its CA");

    public Option<string> Key { get; } = flags.Text("--rpc.tls.key", "PEM file with the private key of --rpc.tls.cert");

    public Option<string> Store { get; } =
        flags.Text("--rpc.tls.store", "PKCS#12 or JKS key store with certificate and key, instead of --rpc.tls.cert and --rpc.tls.key");

    public Option<string> PasswordFile { get; } =
        flags.Text("--rpc.tls.passwordfile", "file whose first line is the password of --rpc.tls.store or --rpc.tls.key");

    public Option<string> ClientAuthorities { get; } =
        flags.Text("--rpc.tls.clientca", "PEM file of CAs: callers must show a certificate of one of them");

    public Option<string> KeySet { get; } =
        flags.Text("--rpc.jwt.jwks", "JSON Web Key Set, a file or an https URL: callers must send a bearer token of one of its keys");

    public Option<string> KeySetAuthorities { get; } =
        flags.Text("--rpc.jwt.ca", "PEM file of CAs for the URL of --rpc.jwt.jwks (default: those of the machine)");

    public Option<string> Issuers { get; } =
        flags.Text("--rpc.jwt.issuer", "who issues tokens (claim iss); several with commas between", "");

    public Option<string> Audiences { get; } =
        flags.Text("--rpc.jwt.audience", "whom tokens must be for (claim aud): this node; several with commas between", "");

    public Option<string> ScopeClaim { get; } =
        flags.Text("--rpc.jwt.claim", "claim that holds the scopes, as rpc://eth_* or rpc://eth_blockNumber", defaults.ScopeClaim);

    public Option<string> Skew { get; } =
        flags.Text("--rpc.jwt.skew", "how far the clocks of this node and the issuer may be apart", "30s");

    public Option<int> Rate { get; } =
        flags.Number("--rpc.rate", "calls in a second that one caller may make over HTTP and WebSocket; 0 for no limit", defaults.Rate);

    public Option<bool> Insecure { get; } = flags.Flag("--rpc.insecure",
        "serve JSON-RPC beyond loopback without TLS or without asking who calls: behind a proxy that does both, or on a laptop");

    /// <param name="skew">Reads a time.</param>
    public RpcAccessSettings Read(ParseResult result, Func<string, string, TimeSpan> skew) => new()
    {
        Certificate = Given(result, Certificate),
        Key = Given(result, Key),
        Store = Given(result, Store),
        PasswordFile = Given(result, PasswordFile),
        ClientAuthorities = Given(result, ClientAuthorities),
        KeySet = Given(result, KeySet),
        KeySetAuthorities = Given(result, KeySetAuthorities),
        Issuers = List(result, Issuers),
        Audiences = List(result, Audiences),
        ScopeClaim = result.GetValue(ScopeClaim) ?? "",
        Skew = skew("--rpc.jwt.skew", result.GetValue(Skew)!),
        Rate = result.GetValue(Rate),
        Insecure = result.GetValue(Insecure),
    };

    private static string? Given(ParseResult result, Option<string> option) =>
        result.GetValue(option) is { Length: > 0 } value ? value : null;

    private static string[] List(ParseResult result, Option<string> option) =>
        (Given(result, option) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
