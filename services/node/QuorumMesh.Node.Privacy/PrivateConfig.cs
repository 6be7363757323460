using System.Globalization;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy;

/// <summary>GoQuorum's PRIVATE_CONFIG: <c>ignore</c>, the path of a Unix socket, or a TOML file.</summary>
public sealed record PrivateConfig
{
    private const int MaxFileSize = 64 * 1024;
    private const int MaxSeconds = 86_400;
    private static readonly string[] TlsKeys = ["tlsrootca", "tlsclientcert", "tlsclientkey", "tlsinsecureskipverify"];

    private PrivateConfig()
    {
    }

    /// <summary>No manager: a stranger to every private transaction.</summary>
    public bool Ignore { get; private init; }

    public string? SocketPath { get; private init; }

    public Uri? Url { get; private init; }

    /// <summary>Null without strict TLS: an https address then goes by the machine's own list of CAs.</summary>
    public ManagerTls? Tls { get; private init; }

    public ManagerTimeouts Timeouts { get; private init; } = ManagerTimeouts.Default;

    /// <exception cref="FormatException">The value or the file it names cannot be used; the message says what to do.</exception>
    public static PrivateConfig Parse(string? value)
    {
        var text = value?.Trim() ?? "";
        if (text.Length == 0)
            throw new FormatException("PRIVATE_CONFIG is empty; set it to 'ignore', to a manager's Unix socket, or to a TOML file");
        if (text.Equals("ignore", StringComparison.OrdinalIgnoreCase))
            return new PrivateConfig { Ignore = true };

        // A socket has no content. One that is not there yet is taken as such too: the manager may start after the node.
        var file = new FileInfo(text);
        if (file.Exists && file.Length > 0)
            return FromToml(file);
        if (!file.Exists && text.EndsWith(".toml", StringComparison.OrdinalIgnoreCase))
            throw new FormatException($"PRIVATE_CONFIG names '{text}', which is not there");
        return new PrivateConfig { SocketPath = file.FullName };
    }

    /// <summary>A manager named by GoQuorum's flags: one of a socket's path and an http address.</summary>
    /// <exception cref="FormatException">TLS is half asked for.</exception>
    public static PrivateConfig Of(string? socket, string? url, ManagerTls? tls = null)
    {
        var at = url is null ? null : new Uri(url, UriKind.Absolute);
        tls?.Validate(at);
        return at is null ? new PrivateConfig { SocketPath = Path.GetFullPath(socket!) } : new PrivateConfig { Url = at, Tls = tls };
    }

    /// <summary>With other times.</summary>
    /// <param name="answer">Seconds; 0 for no limit, null leaves it.</param>
    /// <param name="dial">Likewise, for connecting.</param>
    public PrivateConfig With(int? answer, int? dial) => this with
    {
        Timeouts = Timeouts with { Receive = Limit(answer) ?? Timeouts.Receive, Dial = Limit(dial) ?? Timeouts.Dial },
    };

    /// <summary>The client for this configuration.</summary>
    /// <exception cref="TlsSetupException">A file of certificates cannot be used.</exception>
    public ITransactionManager CreateManager(OutboundHandlers handlers, TlsMaterials materials) =>
        Ignore ? new IgnoringTransactionManager(isConfigured: true)
            : new Q2tTransactionManager(SocketPath, Url, Timeouts, handlers, Tls?.Client(materials));

    private static PrivateConfig FromToml(FileInfo file)
    {
        if (file.Length > MaxFileSize)
            throw new FormatException($"PRIVATE_CONFIG names '{file.Name}', which is too large for a configuration file");
        var values = ReadToml(file.FullName);
        var tls = ReadTls(file.Name, values);
        var timeouts = ManagerTimeouts.Default with
        {
            Dial = Seconds(file.Name, values, "dialtimeout", ManagerTimeouts.Default.Dial),
            Receive = Seconds(file.Name, values, "timeout", ManagerTimeouts.Default.Receive),
        };
        if (values.TryGetValue("httpurl", out var text) && text.Length > 0)
        {
            var url = Uri.TryCreate(text, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" ? parsed
                : throw new FormatException($"{file.Name}: HttpUrl: '{text}' is not an http address");
            tls?.Validate(url);
            return new PrivateConfig { Timeouts = timeouts, Url = url, Tls = tls };
        }

        tls?.Validate(url: null);
        var socket = values.GetValueOrDefault("socket") ?? values.GetValueOrDefault("socketpath");
        if (string.IsNullOrEmpty(socket))
            throw new FormatException($"{file.Name}: neither 'socket' nor 'HttpUrl' is set");
        return new PrivateConfig
        {
            Timeouts = timeouts,
            SocketPath = Path.GetFullPath(Path.Combine(values.GetValueOrDefault("workdir") ?? "", socket))
        };
    }

    /// <summary>Keys and certificates alone say that TLS was wanted: only with TlsMode off they mean nothing.</summary>
    private static ManagerTls? ReadTls(string file, Dictionary<string, string> values)
    {
        switch (values.GetValueOrDefault("tlsmode")?.ToUpperInvariant())
        {
            case "OFF":
                return null;
            case "STRICT":
                return new ManagerTls(file, Given("tlsrootca"), Given("tlsclientcert"), Given("tlsclientkey"),
                    Given("tlsinsecureskipverify")?.ToUpperInvariant() == "TRUE");
            case { Length: > 0 } other:
                throw new FormatException($"{file}: TlsMode: {other} is neither strict nor off");
            default:
                return TlsKeys.FirstOrDefault(values.ContainsKey) is not { } key ? null
                    : throw new FormatException($"{file}: {key}: say TlsMode = \"strict\", or \"off\"");
        }

        string? Given(string key) => values.GetValueOrDefault(key) is { Length: > 0 } value ? value : null;
    }

    /// <summary>No limit is a day here: a call that is lost must end some time.</summary>
    private static TimeSpan? Limit(int? seconds) => seconds is { } given ? TimeSpan.FromSeconds(given == 0 ? MaxSeconds : given) : null;

    private static TimeSpan Seconds(string file, Dictionary<string, string> values, string key, TimeSpan standard)
    {
        if (!values.TryGetValue(key, out var text))
            return standard;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < MaxSeconds
            ? Limit(seconds)!.Value
            : throw new FormatException($"{file}: {key}: '{text}' is not a number of seconds");
    }

    /// <summary>The flat <c>key = value</c> lines that this file is made of; keys in lower case, tables skipped.</summary>
    private static Dictionary<string, string> ReadToml(string path)
    {
        var values = new Dictionary<string, string>();
        var number = 0;
        var inTable = false;
        foreach (var raw in File.ReadLines(path))
        {
            number++;
            var line = raw.Trim();
            inTable |= line.StartsWith('[');
            if (line.Length == 0 || line[0] == '#' || inTable)
                continue;
            var equals = line.IndexOf('=');
            if (equals <= 0)
                throw new FormatException($"{Path.GetFileName(path)}, line {number}: 'key = value' is expected");
            values[line[..equals].Trim().Trim('"').ToLowerInvariant()] = Value(line[(equals + 1)..].Trim(), path, number);
        }

        return values;
    }

    private static string Value(string text, string path, int number)
    {
        if (text.Length > 0 && text[0] is '"' or '\'')
        {
            var end = text.IndexOf(text[0], 1);
            return end > 0 ? text[1..end]
                : throw new FormatException($"{Path.GetFileName(path)}, line {number}: the quotation mark is not closed");
        }

        var comment = text.IndexOf('#');
        return (comment < 0 ? text : text[..comment]).Trim();
    }
}
