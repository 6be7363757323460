using System.CommandLine;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Cli.Network;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Outbound;

namespace QuorumMesh.Cli.Keys;

/// <summary>
/// <c>qmesh keys peers|accept</c>: which key a manager takes for whose, and what an operator decides where a claim was refused. Over Q2T,
/// the port of the manager's own node.
/// </summary>
internal static class PeerKeysCommands
{
    private static readonly Option<string?> Manager = new("--q2t")
    { Description = "the manager's Q2T address: unix:/path or http://host:port" };
    private static readonly Option<string?> Dir = new("--dir") { Description = "directory of a local network" };
    private static readonly Option<string?> ParticipantName = new("--participant") { Description = "which of its participants: A, B, ..." };
    private static readonly Option<string?> Key = new("--key") { Description = "the public key", Required = true };
    private static readonly Option<string?> Identity = new("--identity")
    { Description = "whose it is from now on (default: whoever proves it next, also without an identity)" };

    public static void AddTo(Command keys)
    {
        var peers = With(new Command("peers", "which key is pinned to which identity, and claims that were refused"));
        peers.SetAction((r, cancel) => CallAsync(r, PeersAsync, cancel));
        var accept = With(new Command("accept", "give a key to another identity, after its owner has told you that he changed it"));
        accept.Options.Add(Key);
        accept.Options.Add(Identity);
        accept.SetAction((r, cancel) => CallAsync(r, (http, token) => AcceptAsync(http, r, token), cancel));
        keys.Subcommands.Add(peers);
        keys.Subcommands.Add(accept);
    }

    private static Command With(Command command)
    {
        foreach (var option in (Option[])[Manager, Dir, ParticipantName])
            command.Options.Add(option);
        return command;
    }

    private static async Task<int> PeersAsync(HttpClient http, CancellationToken cancel)
    {
        foreach (var line in Lines(JsonNode.Parse(await http.GetStringAsync("quorummesh/identities", cancel).ConfigureAwait(false))))
            Console.WriteLine(line);
        return 0;
    }

    /// <summary>The answer of the manager, for people.</summary>
    internal static IEnumerable<string> Lines(JsonNode? answer)
    {
        yield return $"our identity  {(string?)answer?["identity"] ?? "none"}";
        foreach (var key in answer?["keys"]?.AsArray() ?? [])
            yield return $"{(string?)key?["state"],-8} {(string?)key?["key"]} of {(string?)key?["identity"]}"
                + ((string?)key?["successor"] is { } successor ? $", now {successor}" : "");
        foreach (var claim in answer?["conflicts"]?.AsArray() ?? [])
            yield return $"REFUSED  {(string?)claim?["key"]} of {(string?)claim?["pinnedTo"]} is claimed at {(string?)claim?["url"]} "
                + ((string?)claim?["claimedBy"] is { } other ? $"by {other}" : "without an identity");
    }

    private static async Task<int> AcceptAsync(HttpClient http, ParseResult result, CancellationToken cancel)
    {
        var (key, identity) = (result.GetValue(Key), result.GetValue(Identity));
        foreach (var (name, text) in new[] { ("--key", key), ("--identity", identity) })
            if (text is not null && !NaClBox.TryParseKey(text, out _))
                throw new CommandException($"{name} '{text}' is not the base64 of 32 bytes");
        using var answer = await http.PostAsJsonAsync("quorummesh/identities/accept", new { key, identity }, cancel).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
            throw new CommandException(await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false));
        Console.WriteLine(identity is null ? $"{key} is whoever's proves it next" : $"{key} is the identity's {identity}");
        return 0;
    }

    private static async Task<int> CallAsync(
        ParseResult result, Func<HttpClient, CancellationToken, Task<int>> call, CancellationToken cancel)
    {
        var address = Address(result);
        var isSocket = address.StartsWith("unix:", StringComparison.Ordinal);
        if (!isSocket && !(Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            throw new CommandException($"--q2t '{address}' is neither unix:/path nor http://host:port");
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Local, isSocket ? address[5..] : null))
        {
            BaseAddress = new Uri(isSocket ? "http://localhost/" : address.TrimEnd('/') + "/"),
            Timeout = TimeSpan.FromSeconds(30),
        };
        try
        {
            return await call(http, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new CommandException($"the manager at {address} did not answer ({e.Message}): does it run, and is it of this version?");
        }
    }

    private static string Address(ParseResult result)
    {
        var (address, directory, name) = (result.GetValue(Manager), result.GetValue(Dir), result.GetValue(ParticipantName));
        if (address is not null && directory is null && name is null)
            return address;
        if (address is not null || directory is null || name is null)
            throw new CommandException("say which manager: --q2t unix:/path, or --dir D --participant A of a local network");
        return "unix:" + NetworkDefinition.Load(directory).Named(name).Q2tSocket;
    }
}
