using System.CommandLine;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Enclave;

/// <summary>Reads the command line; every option may also come as QUORUMMESH_ENCLAVE_….</summary>
internal static class CommandLine
{
    /// <summary>A message of the longest kind counts twice while it is read, and so does its answer.</summary>
    private const int LeastMemory = 64;

    public static async Task<int> RunAsync(string[] args, Func<EnclaveOptions, CancellationToken, Task<int>> run)
    {
        var result = Create(run).Parse(args);
        if (result.Errors.Count > 0)
            throw new UsageException($"{result.Errors[0].Message} See --help.");
        return await result.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
    }

    public static RootCommand Create(Func<EnclaveOptions, CancellationToken, Task<int>> run)
    {
        var config = new Option<string?>("--configfile", "-configfile") { Description = "Tessera's enclave configuration file (JSON)" };
        var listen = new Option<string?>("--listen")
        { Description = "unix:/path, http://127.0.0.1:port or https://host:port; default: the ENCLAVE server of the configuration file" };
        var tessera = new Option<bool>("--tessera")
        {
            Description = "the ENCLAVE server of the configuration file serves a Tessera (its HTTP interface); a manager of ours "
                + "connects to --listen then",
        };
        var health = new Option<string?>("--health-url")
        { Description = "http://host:port of a read-only listener for /livez, /readyz and /metrics" };
        var certificate = new Option<string?>("--tls-cert") { Description = "PEM file with the certificate that an https address shows" };
        var key = new Option<string?>("--tls-key") { Description = "PEM file with the private key of --tls-cert" };
        var manager = new Option<string?>("--manager-cert")
        { Description = "PEM file with the certificate of the manager, which alone may connect to an https address" };
        var uids = new Option<uint[]>("--allow-uid")
        {
            Description = "a further user id that may connect over the Unix socket",
            AllowMultipleArgumentsPerToken = true
        };
        var json = new Option<bool>("--log-json") { Description = "one JSON object per log line" };
        var memory = new Option<int>("--memory")
        {
            Description = "most MiB that requests and answers under way may hold together, at least 64",
            DefaultValueFactory = _ => EnclaveOptions.DefaultMemory,
        };
        var root = new RootCommand("QuorumMesh enclave: holds the keys, encrypts and decrypts private payloads") { config, listen, tessera,
            health, certificate, key, manager, uids, json, memory };
        root.SetAction((parsed, cancellation) => run(
            new EnclaveOptions(
                parsed.GetValue(config) ?? FromEnvironment("CONFIGFILE")
                    ?? throw new UsageException("-configfile FILE is required; see --help"),
                parsed.GetValue(listen) ?? FromEnvironment("LISTEN"),
                parsed.GetValue(health) ?? FromEnvironment("HEALTH_URL"),
                parsed.GetValue(uids) ?? [],
                parsed.GetValue(json))
            {
                ServesTessera = parsed.GetValue(tessera),
                Tls = new EnclaveTls(parsed.GetValue(certificate) ?? FromEnvironment("TLS_CERT"),
                    parsed.GetValue(key) ?? FromEnvironment("TLS_KEY"), parsed.GetValue(manager) ?? FromEnvironment("MANAGER_CERT")),
                ListenerBytes = (long)OptionRules.Range("--memory", parsed.GetValue(memory), LeastMemory, int.MaxValue) << 20,
            },
            cancellation));
        return root;
    }

    private static string? FromEnvironment(string name) =>
        Environment.GetEnvironmentVariable("QUORUMMESH_ENCLAVE_" + name) is { Length: > 0 } value ? value : null;
}
