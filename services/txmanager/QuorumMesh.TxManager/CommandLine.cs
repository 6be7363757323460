using System.CommandLine;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Configuration;

namespace QuorumMesh.TxManager;

/// <summary>Reads the command line; the single settings may also come as QUORUMMESH_TXMANAGER_….</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(
        string[] args, Func<CommandLineSettings, CancellationToken, Task<int>> run, Func<string, IReadOnlyList<string>, int> verify,
        Func<CommandLineSettings, string, IReadOnlyList<string>, CancellationToken, Task<int>> fetch)
    {
        var result = Create(run, verify, fetch).Parse(TesseraArguments.Translate(args));
        if (result.Errors.Count > 0)
            throw new UsageException($"{result.Errors[0].Message} See --help.");
        return await result.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null })
            .ConfigureAwait(false);
    }

    public static RootCommand Create(
        Func<CommandLineSettings, CancellationToken, Task<int>> run, Func<string, IReadOnlyList<string>, int> verify,
        Func<CommandLineSettings, string, IReadOnlyList<string>, CancellationToken, Task<int>> fetch)
    {
        var config = new Option<string?>("--configfile", "-configfile") { Description = "Tessera's configuration file (JSON)" };
        var change = new Option<string[]>("--override", "-o")
        {
            Description = "path=value: replaces a setting of the file, for example jdbc.url=jdbc:sqlite:/data/tm.db",
        };
        var health = new Option<string?>("--health-url")
        {
            Description = "http://host:port of a read-only listener for /livez, /readyz and /metrics",
        };
        var grpc = new Option<string?>("--grpc")
        {
            Description = "unix:/path, http://127.0.0.1:port or https://host:port where a QuorumMesh node connects",
        };
        var enclave = new Option<string?>("--enclave")
        {
            Description = "unix:/path, http://host:port or https://host:port of the enclave; default: the ENCLAVE server of the file",
        };
        var pidFile = new Option<string?>("--pidfile", "-pidfile") { Description = "a file for this process's number, while it runs" };
        var debug = new Option<bool>("--debug", "-debug") { Description = "log more" };
        var json = new Option<bool>("--log-json") { Description = "one JSON object per log line" };
        var recover = new Option<bool>("--recover", "-recover", "-r")
        {
            Description = "have the other managers give back what they had to do with our keys, then end: 0 all, 1 a part, 2 nobody asked",
        };
        var root = new RootCommand("QuorumMesh transaction manager: keeps and distributes private payloads")
        {
            config, change, health, grpc, enclave, json, pidFile, debug, recover,
        };
        root.SetAction(async (parsed, cancellation) =>
        {
            var settings = new CommandLineSettings(
                ConfigFile(parsed.GetValue(config)),
                parsed.GetValue(change) ?? [],
                parsed.GetValue(health) ?? FromEnvironment("HEALTH_URL"),
                parsed.GetValue(grpc) ?? FromEnvironment("GRPC"),
                parsed.GetValue(enclave) ?? FromEnvironment("ENCLAVE"),
                parsed.GetValue(json),
                parsed.GetValue(debug),
                parsed.GetValue(recover));
            using var pid = new PidFile(parsed.GetValue(pidFile));
            return await run(settings, cancellation).ConfigureAwait(false);
        });
        const string checks = "Read every row of the payload store, without writing, and say what is broken; the exit code tells";
        var check = new Command("verify", checks) { config, change };
        check.SetAction(parsed => verify(ConfigFile(parsed.GetValue(config)), parsed.GetValue(change) ?? []));
        root.Subcommands.Add(check);
        root.Subcommands.Add(Fetch(config, change, enclave, fetch));
        return root;
    }

    private static Command Fetch(
        Option<string?> config, Option<string[]> change, Option<string?> enclave,
        Func<CommandLineSettings, string, IReadOnlyList<string>, CancellationToken, Task<int>> fetch)
    {
        var from = new Option<string>("--from")
        {
            Description = "The other manager's P2P address, http://host:port as in its own serverAddress",
            Required = true,
        };
        var hashes = new Argument<string[]>("hash") { Description = "The payload's hash in base64", Arity = ArgumentArity.OneOrMore };
        var command = new Command("fetch",
            "Get lost payloads back from another party's manager and give them to ours, which must be running")
        {
            config, change, enclave, from, hashes,
        };
        command.SetAction((parsed, cancellation) => fetch(
            new CommandLineSettings(
                ConfigFile(parsed.GetValue(config)), parsed.GetValue(change) ?? [],
                Enclave: parsed.GetValue(enclave) ?? FromEnvironment("ENCLAVE")),
            parsed.GetValue(from)!, parsed.GetValue(hashes) ?? [], cancellation));
        return command;
    }

    private static string ConfigFile(string? flag) =>
        flag ?? FromEnvironment("CONFIGFILE") ?? throw new UsageException("-configfile FILE is required; see --help");

    private static string? FromEnvironment(string name) =>
        Environment.GetEnvironmentVariable("QUORUMMESH_TXMANAGER_" + name) is { Length: > 0 } value ? value : null;
}
