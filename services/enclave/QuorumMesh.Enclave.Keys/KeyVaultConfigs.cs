using System.Globalization;
using System.Net;
using System.Text.Json;
using QuorumMesh.Enclave.Keys.Vault;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// Tessera's <c>keys.keyVaultConfigs</c> (an array, or one object as its key generation writes), the older
/// <c>hashicorpKeyVaultConfig</c>, and its environment variables; further properties are ours (docs/keys.md).
/// </summary>
internal static class KeyVaultConfigs
{
    private const string Hashicorp = "HASHICORP";

    /// <summary>The vault of HASHICORP; null when no configuration names one.</summary>
    /// <param name="environment">Says which variables are set; their values are read when they are needed.</param>
    /// <exception cref="KeyException">A property cannot be used, or the credentials are not whole.</exception>
    public static VaultSettings? ReadHashicorp(JsonElement keys, Func<string, string?> environment)
    {
        var found = new List<(string Setting, JsonElement Properties)>();
        if (SecretJson.Member(keys, "hashicorpKeyVaultConfig") is { } older)
            found.Add(("keys.hashicorpKeyVaultConfig", older));
        var i = 0;
        foreach (var config in Configs(keys))
        {
            var type = SecretJson.Text(config, "keyVaultType") ?? SecretJson.Text(config, "keyVaultConfigType");
            if (type == Hashicorp)
                found.Add(($"keys.keyVaultConfigs[{i}].properties", SecretJson.Member(config, "properties")
                    ?? throw new KeyException($"keys.keyVaultConfigs[{i}].properties", "is missing; it holds at least the url")));
            i++;
        }

        return found.Count switch
        {
            0 => null,
            1 => Read(found[0].Setting, found[0].Properties, environment),
            _ => throw new KeyException("keys.keyVaultConfigs", "More than one config was provided for the same key vault type HASHICORP"),
        };
    }

    private static IEnumerable<JsonElement> Configs(JsonElement keys) => SecretJson.Member(keys, "keyVaultConfigs") switch
    {
        { ValueKind: JsonValueKind.Array } list => list.EnumerateArray(),
        { ValueKind: JsonValueKind.Object } one => [one],
        _ => [],
    };

    private static VaultSettings Read(string setting, JsonElement properties, Func<string, string?> environment)
    {
        var auth = Auth(setting, properties, environment);
        var settings = new VaultSettings(setting, Addresses(setting, properties), auth, AuthPath(properties, auth),
            Path(setting, properties, "transitPath") ?? "transit")
        {
            Namespace = SecretJson.Text(properties, "namespace") is { Length: > 0 } ns ? ns : null,
            Role = SecretJson.Text(properties, "role"),
            Token = Place(properties, "tokenFile", "HASHICORP_TOKEN"),
            RoleId = Place(properties, "roleIdFile", "HASHICORP_ROLE_ID"),
            SecretId = Place(properties, "secretIdFile", "HASHICORP_SECRET_ID"),
            Jwt = JwtPlace(properties, auth),
            Wrapped = Flag(setting, properties, "wrapped"),
            TransitKey = Path(setting, properties, "transitKey"),
            TrustFile = SecretJson.Text(properties, "caFile") ?? SecretJson.Text(properties, "tlsTrustStorePath"),
            TrustPassword = new SecretPlace(null, "HASHICORP_CLIENT_TRUSTSTORE_PWD"),
            ClientFile = SecretJson.Text(properties, "clientFile") ?? SecretJson.Text(properties, "tlsKeyStorePath"),
            ClientPassword = new SecretPlace(null, "HASHICORP_CLIENT_KEYSTORE_PWD"),
            Refresh = Duration(setting, properties, "refresh", least: TimeSpan.FromSeconds(1)) ?? VaultSettings.DefaultRefresh,
            MaxAge = Duration(setting, properties, "maxAge", least: TimeSpan.Zero) switch
            {
                null => VaultSettings.DefaultMaxAge,
                { Ticks: 0 } => Timeout.InfiniteTimeSpan,
                { } age => age,
            },
            OlderVersions = Count(setting, properties, "olderVersions") ?? new VaultSettings(setting, new([]), auth, "", "").OlderVersions,
        };
        return auth is VaultAuth.Kubernetes or VaultAuth.Jwt && settings.Role is null
            ? throw new KeyException($"{setting}.role", $"is required with auth {auth.ToString().ToLowerInvariant()}")
            : settings;
    }

    /// <summary>Tessera's rule for its variables: role id and secret id win over a token, and one alone is an error.</summary>
    private static VaultAuth Auth(string setting, JsonElement properties, Func<string, string?> environment)
    {
        var named = SecretJson.Text(properties, "auth");
        if (named is not null)
            return Enum.TryParse<VaultAuth>(named, ignoreCase: true, out var auth) && !char.IsDigit(named[0])
                ? auth
                : throw new KeyException($"{setting}.auth", $"'{named}' is none of token, approle, kubernetes, jwt");
        var role = Has("roleIdFile", "HASHICORP_ROLE_ID");
        var secret = Has("secretIdFile", "HASHICORP_SECRET_ID");
        if (role != secret)
            throw new KeyException(setting, "Only one of the HASHICORP_ROLE_ID and HASHICORP_SECRET_ID environment variables (or "
                + "roleIdFile and secretIdFile) is set; the AppRole log-in needs both");
        return role ? VaultAuth.AppRole
            : Has("tokenFile", "HASHICORP_TOKEN") ? VaultAuth.Token
            : throw new KeyException(setting, "there is nothing to log in with: set HASHICORP_ROLE_ID and HASHICORP_SECRET_ID, or "
                + "HASHICORP_TOKEN, or name files by roleIdFile and secretIdFile or tokenFile, or set auth to kubernetes or jwt");

        bool Has(string file, string variable) => SecretJson.Text(properties, file) is not null || environment(variable) is { Length: > 0 };
    }

    private static string AuthPath(JsonElement properties, VaultAuth auth) =>
        (SecretJson.Text(properties, "authPath") ?? (auth == VaultAuth.AppRole ? SecretJson.Text(properties, "approlePath") : null))
            ?.Trim('/') is { Length: > 0 } path ? path : auth.ToString().ToLowerInvariant();

    private static SecretPlace Place(JsonElement properties, string file, string variable) =>
        new(SecretJson.Text(properties, file), variable);

    private static SecretPlace JwtPlace(JsonElement properties, VaultAuth auth) => new(SecretJson.Text(properties, "jwtFile")
        ?? (auth == VaultAuth.Kubernetes ? "/var/run/secrets/kubernetes.io/serviceaccount/token" : null), "HASHICORP_JWT");

    /// <summary><c>url</c>, then those of <c>otherUrls</c>. A path takes the place of <c>/v1</c>, as with Tessera.</summary>
    private static EquatableList<Uri> Addresses(string setting, JsonElement properties)
    {
        var urls = new List<string?> { SecretJson.Text(properties, "url") };
        if (SecretJson.Member(properties, "otherUrls") is { ValueKind: JsonValueKind.Array } others)
            urls.AddRange(others.EnumerateArray().Select(o => o.ValueKind == JsonValueKind.String ? o.GetString() : null));
        var plain = Flag(setting, properties, "allowPlainHttp");
        return new EquatableList<Uri>(urls.Select(
            (url, i) => Address(i == 0 ? $"{setting}.url" : $"{setting}.otherUrls[{i - 1}]", url, plain)));
    }

    private static Uri Address(string setting, string? url, bool plain)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Query.Length > 0
            || uri.UserInfo.Length > 0)
            throw new KeyException(setting, url is null ? "is required: https://host:port of the vault"
                : "is not of the form https://host:port");
        if (uri.Scheme == Uri.UriSchemeHttp && !plain && !uri.IsLoopback && !IPAddress.IsLoopback(HostAddress(uri)))
            throw new KeyException(setting, $"'{url}' would carry keys and tokens in plain text; use https, or set allowPlainHttp to true "
                + "where the network is otherwise closed");
        var path = uri.AbsolutePath.Trim('/');
        return new Uri(uri.GetLeftPart(UriPartial.Authority) + "/" + (path.Length > 0 ? path : "v1") + "/");
    }

    private static IPAddress HostAddress(Uri uri) => IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) ? address : IPAddress.Any;

    private static string? Path(string setting, JsonElement properties, string name)
    {
        var path = SecretJson.Text(properties, name)?.Trim('/');
        return path is null || VaultPath.IsClean(path)
            ? path
            : throw new KeyException($"{setting}.{name}", $"'{path}' is no path in a vault");
    }

    private static bool Flag(string setting, JsonElement properties, string name) => SecretJson.Member(properties, name) switch
    {
        null => false,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw new KeyException($"{setting}.{name}", "is true or false"),
    };

    private static int? Count(string setting, JsonElement properties, string name) => SecretJson.Member(properties, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var number) && number is >= 0 and <= 1000 => number,
        _ => throw new KeyException($"{setting}.{name}", "is a whole number from 0 to 1000"),
    };

    /// <summary>As Vault writes them: "90s", "15m", "72h"; a number is seconds.</summary>
    private static TimeSpan? Duration(string setting, JsonElement properties, string name, TimeSpan least)
    {
        if (SecretJson.Member(properties, name) is not { } value)
            return null;
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        var unit = text.Length == 0 ? ' ' : text[^1];
        var digits = char.IsAsciiDigit(unit) ? text : text[..Math.Max(0, text.Length - 1)];
        var seconds = unit switch { 'm' => 60, 'h' => 3600, 'd' => 86400, 's' => 1, _ => char.IsAsciiDigit(unit) ? 1 : 0 };
        return seconds > 0 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && (long)number * seconds <= int.MaxValue && TimeSpan.FromSeconds((long)number * seconds) is var span && span >= least
            ? span
            : throw new KeyException($"{setting}.{name}", $"is a time of at least {least.TotalSeconds:0} s such as 90s, 15m or 72h");
    }
}
