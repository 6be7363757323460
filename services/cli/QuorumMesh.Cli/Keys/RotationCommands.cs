using System.CommandLine;
using System.Text.Json.Nodes;
using QuorumMesh.Cli.Network;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Outbound;

namespace QuorumMesh.Cli.Keys;

/// <summary>
/// <c>qmesh keys status|rotate|retire|revoke</c>: of an enclave by its configuration file, or of a participant of a local network, whose
/// running services are told and waited for.
/// </summary>
internal static class RotationCommands
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Option<string?> ConfigFile = new("--configfile") { Description = "the enclave's configuration file" };
    private static readonly Option<string?> Dir = new("--dir") { Description = "directory of a local network" };
    private static readonly Option<string?> ParticipantName = new("--participant") { Description = "which of its participants: A, B, ..." };
    private static readonly Option<string?> Key = new("--key") { Description = "the public key" };
    private static readonly Option<string?> Successor = new("--successor")
    { Description = "the key to name instead, where the configuration does not tell it" };
    private static readonly Option<bool> AcceptLoss = new("--accept-loss")
    { Description = "payloads that were sealed for the key that goes alone cannot be opened any more" };

    public static void AddTo(Command keys)
    {
        var status = With(new Command("status", "which keys the configuration names, and which of them seal"));
        status.SetAction(r => Explained(() => Status(Target.Of(r))));
        var rotate = With(new Command("rotate",
            "make a successor of a key, in a file or in its vault; the old key goes on opening what was sealed for it"));
        rotate.Options.Add(Key);
        rotate.Options.Add(AcceptLoss);
        rotate.SetAction((r, cancel) => ExplainedAsync(() => RotateAsync(Target.Of(r), KeyOf(r), r.GetValue(AcceptLoss), cancel)));
        var retire = With(new Command("retire", "take a rotated key out of the configuration; its files stay"));
        retire.Options.Add(Key);
        retire.Options.Add(AcceptLoss);
        retire.SetAction(r => Explained(() => Retire(Target.Of(r), KeyOf(r), r.GetValue(AcceptLoss))));
        var revoke = With(new Command("revoke",
            "a key may be in other hands: nobody is to seal for it any more, from now on; an active one is rotated first"));
        revoke.Options.Add(Key);
        revoke.Options.Add(Successor);
        revoke.SetAction((r, cancel) => ExplainedAsync(() => RevokeAsync(Target.Of(r), KeyOf(r), KeyOf(r, Successor), cancel)));
        foreach (var command in (Command[])[status, rotate, retire, revoke])
            keys.Subcommands.Add(command);
    }

    private static Command With(Command command)
    {
        command.Options.Add(ConfigFile);
        command.Options.Add(Dir);
        command.Options.Add(ParticipantName);
        return command;
    }

    private static int Status(Target target)
    {
        foreach (var key in KeyRotation.List(target.Config))
        {
            var name = key.PublicKey?.ToString() ?? "(told by the vault)";
            Console.WriteLine($"{(key.Retired ? "retired" : "active"),-8} {name,-44} {key.Place}");
        }

        return 0;
    }

    private static async Task<int> RotateAsync(Target target, PublicKey? old, bool acceptLoss, CancellationToken cancel)
    {
        var isDefault = old is null || old == KeyRotation.List(target.Config).FirstOrDefault(k => !k.Retired)?.PublicKey
            || old.ToString() == target.Network?.Participant.TxManagerKey;
        var key = await KeyRotation.RotateAsync(target.Config, old, Environment.GetEnvironmentVariable, acceptLoss, cancel)
            .ConfigureAwait(false);
        Console.WriteLine($"New key: {key}");
        return await TakeUpAsync(target, key, isDefault, cancel).ConfigureAwait(false);
    }

    private static async Task<int> RevokeAsync(Target target, PublicKey? key, PublicKey? successor, CancellationToken cancel)
    {
        if (key is null)
            throw new CommandException("say which: --key PUBLIC_KEY, as 'qmesh keys status' shows it");
        var isDefault = key == KeyRotation.List(target.Config).FirstOrDefault(k => !k.Retired)?.PublicKey;
        var instead = await KeyRotation.RevokeAsync(target.Config, key, successor, Environment.GetEnvironmentVariable, cancel)
            .ConfigureAwait(false);
        Console.WriteLine($"{key} is revoked; managers of this kind that know the enclave's identity refuse it as a recipient and name "
            + $"{instead?.ToString() ?? "no other key"} instead. A Tessera is told nothing: tell its operator");
        return await TakeUpAsync(target, instead, isDefault && instead is not null, cancel).ConfigureAwait(false);
    }

    /// <summary>The running services take up the changed configuration; those of a local network are told and waited for.</summary>
    /// <param name="key">Null: there is no key to wait for.</param>
    private static async Task<int> TakeUpAsync(Target target, PublicKey? key, bool isDefault, CancellationToken cancel)
    {
        if (target.Network is not { } network)
        {
            Console.WriteLine("In a vault the enclave takes it up at its next look; in a file once it reads its configuration again: send "
                + "it SIGHUP (kill -HUP PID)");
            return 0;
        }

        var (directory, definition, participant) = network;
        if (isDefault)
            (definition with
            {
                Participants = [.. definition.Participants.Select(
                    p => p.Name == participant.Name ? p with { TxManagerKey = key!.ToString() } : p)],
            }).Save(directory);
        if (!new ServiceProcess(participant, ServiceKind.Enclave).Reload())
            Console.WriteLine($"The enclave of {participant.Name} does not run: it uses the key from its next start");
        else if (key is not null && new ServiceProcess(participant, ServiceKind.TxManager).RunningPid is not null)
            await WaitAsync(participant, key, isDefault, cancel).ConfigureAwait(false);
        return 0;
    }

    private static int Retire(Target target, PublicKey? key, bool acceptLoss)
    {
        if (key is null)
            throw new CommandException("say which: --key PUBLIC_KEY, as 'qmesh keys status' shows it");
        if (!acceptLoss)
            throw new CommandException("payloads that were sealed for this key alone cannot be opened without it, not after a resend "
                + "either, and whoever still names it in privateFor is refused; add --accept-loss if that may be");
        var file = KeyRotation.Retire(target.Config, key);
        Console.WriteLine($"The configuration names {key} no more; {file} stays as your backup");
        if (target.Network is not { } network)
            Console.WriteLine("It is given up once the enclave reads its configuration again: send it SIGHUP (kill -HUP PID)");
        else
            new ServiceProcess(network.Participant, ServiceKind.Enclave).Reload();
        return 0;
    }

    /// <summary>Until the manager sends from the new key; from another than the default one when it is named.</summary>
    private static async Task WaitAsync(Participant participant, PublicKey key, bool isDefault, CancellationToken cancel)
    {
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Local)) { Timeout = TimeSpan.FromSeconds(5) };
        for (var until = DateTime.UtcNow + Patience; DateTime.UtcNow < until;)
        {
            var keys = await KeysAsync(http, participant, cancel).ConfigureAwait(false);
            if (IsTaken(keys, key, isDefault))
            {
                Console.WriteLine($"{participant.Name} sends from the new key{(isDefault ? "" : " when it is named")}; what "
                    + "is sealed for the old one still opens");
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel).ConfigureAwait(false);
        }

        throw new CommandException($"the manager of {participant.Name} does not show the new key yet; its enclave's log says why: "
            + new ServiceProcess(participant, ServiceKind.Enclave).LogFile);
    }

    internal static bool IsTaken(IReadOnlyList<string?> keys, PublicKey key, bool isDefault) =>
        isDefault ? keys.Count > 0 && keys[0] == key.ToString() : keys.Contains(key.ToString());

    private static async Task<IReadOnlyList<string?>> KeysAsync(HttpClient http, Participant participant, CancellationToken cancel)
    {
        try
        {
            var answer = await http.GetStringAsync(new Uri(participant.ThirdParty + "/keys"), cancel).ConfigureAwait(false);
            return [.. JsonNode.Parse(answer)?["keys"]?.AsArray().Select(k => (string?)k?["key"]) ?? []];
        }
        catch (Exception e) when (e is HttpRequestException or System.Text.Json.JsonException or InvalidOperationException
            || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return [];
        }
    }

    private static PublicKey? KeyOf(ParseResult result) => KeyOf(result, Key);

    private static PublicKey? KeyOf(ParseResult result, Option<string?> option) => result.GetValue(option) is not { } text ? null
        : NaClBox.TryParseKey(text, out var key) ? key
        : throw new CommandException($"{option.Name} '{text}' is not the base64 of a public key");

    private static int Explained(Func<int> work)
    {
        try
        {
            return work();
        }
        catch (KeyException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static async Task<int> ExplainedAsync(Func<Task<int>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (KeyException e)
        {
            throw new CommandException(e.Message);
        }
    }

    /// <param name="Network">Null for an enclave that is known by its configuration alone.</param>
    private sealed record Target(string Config, (string Directory, NetworkDefinition Definition, Participant Participant)? Network)
    {
        public static Target Of(ParseResult result)
        {
            var (config, directory, name) = (result.GetValue(ConfigFile), result.GetValue(Dir), result.GetValue(ParticipantName));
            if (config is not null && directory is null && name is null)
                return new Target(config, null);
            if (config is not null || directory is null || name is null)
                throw new CommandException("say which enclave: --configfile FILE, or --dir D --participant A of a local network");
            var network = NetworkDefinition.Load(directory);
            var participant = network.Named(name);
            return new Target(Path.Combine(participant.Directory, "enclave", "enclave.json"), (directory, network, participant));
        }
    }
}
