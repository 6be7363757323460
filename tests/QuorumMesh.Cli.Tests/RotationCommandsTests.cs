using System.Text.Json.Nodes;
using QuorumMesh.Cli.Keys;
using QuorumMesh.Cli.Network;
using QuorumMesh.Enclave.Keys;

namespace QuorumMesh.Cli.Tests;

public sealed class RotationCommandsTests : IDisposable
{
    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    private string Config => Path.Combine(_temp, "enclave.json");

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public void A_key_is_rotated_listed_and_retired_with_the_loss_accepted()
    {
        var old = Make();
        Assert.Equal(0, Run("rotate", "--configfile", Config));
        var keys = KeyRotation.List(Config);
        Assert.Equal([false, true], keys.Select(k => k.Retired));
        Assert.Equal(old, keys[1].PublicKey?.ToString());
        Assert.Equal(0, Run("status", "--configfile", Config));

        Assert.Contains("--accept-loss", Refused("retire", "--configfile", Config, "--key", old));
        Assert.Contains("no retired key",
            Refused("retire", "--configfile", Config, "--key", keys[0].PublicKey!.ToString(), "--accept-loss"));
        Assert.Equal(0, Run("retire", "--configfile", Config, "--key", old, "--accept-loss"));
        Assert.Equal(keys[0].PublicKey, Assert.Single(KeyRotation.List(Config)).PublicKey);
        Assert.True(File.Exists(Path.Combine(_temp, "tm.key")));
    }

    [Fact]
    public void A_participants_key_is_rotated_by_its_name_and_the_network_knows_the_new_one()
    {
        var network = NetworkCreator.Create(new NetworkRequest(_temp, 3, "raft", "cancun", 10, null, 0));
        Assert.Equal(0, Run("rotate", "--dir", _temp, "--participant", "B"));
        var after = NetworkDefinition.Load(_temp);
        var keys = KeyRotation.List(Path.Combine(_temp, "B", "enclave", "enclave.json"));
        Assert.Equal(after.Participants[1].TxManagerKey, keys[0].PublicKey?.ToString());
        Assert.Equal(network.Participants[1].TxManagerKey, keys[1].PublicKey?.ToString());
        Assert.Equal(network.Participants[0], after.Participants[0]);
        Assert.Contains("has no participant D", Refused("rotate", "--dir", _temp, "--participant", "D"));
    }

    [Fact]
    public void Another_key_than_the_default_one_is_rotated_and_the_network_still_names_the_default_one()
    {
        var network = NetworkCreator.Create(new NetworkRequest(_temp, 3, "raft", "cancun", 10, null, 0));
        var config = Path.Combine(_temp, "B", "enclave", "enclave.json");
        var path = Path.Combine(_temp, "B", "enclave", "more");
        var more = TesseraKeyFile.Generate(path);
        var root = JsonNode.Parse(File.ReadAllText(config))!;
        root["keys"]!["keyData"]!.AsArray().Add(new JsonObject { ["privateKeyPath"] = path + ".key", ["publicKeyPath"] = path + ".pub" });
        File.WriteAllText(config, root.ToJsonString());

        Assert.Equal(0, Run("rotate", "--dir", _temp, "--participant", "B", "--key", more.ToString()));
        Assert.Equal(network.Participants[1].TxManagerKey, NetworkDefinition.Load(_temp).Participants[1].TxManagerKey);
        Assert.Equal(more, KeyRotation.List(config)[2].PublicKey);

        var first = network.Participants[1].TxManagerKey;
        Assert.Equal(0, Run("rotate", "--dir", _temp, "--participant", "B", "--key", first));
        Assert.Equal(KeyRotation.List(config)[0].PublicKey?.ToString(), NetworkDefinition.Load(_temp).Participants[1].TxManagerKey);

        Assert.True(RotationCommands.IsTaken([first, more.ToString()], more, isDefault: false));
        Assert.False(RotationCommands.IsTaken([first, more.ToString()], more, isDefault: true));
        Assert.True(RotationCommands.IsTaken([more.ToString(), first], more, isDefault: true));
        Assert.False(RotationCommands.IsTaken([], more, isDefault: true));
    }

    [Fact]
    public void A_stolen_key_is_revoked_in_one_step_and_the_network_knows_its_successor()
    {
        var network = NetworkCreator.Create(new NetworkRequest(_temp, 3, "raft", "cancun", 10, null, 0));
        var stolen = network.Participants[1].TxManagerKey;
        Assert.Equal(0, Run("revoke", "--dir", _temp, "--participant", "B", "--key", stolen));
        var config = Path.Combine(_temp, "B", "enclave", "enclave.json");
        var keys = KeyRotation.List(config);
        Assert.Equal([false, true], keys.Select(k => k.Retired));
        Assert.Equal(keys[0].PublicKey?.ToString(), NetworkDefinition.Load(_temp).Participants[1].TxManagerKey);
        var revoked = JsonNode.Parse(File.ReadAllText(config))!["keys"]!["revoked"]!.AsArray();
        Assert.Equal(stolen, (string?)Assert.Single(revoked)!["publicKey"]);
        Assert.Equal(keys[0].PublicKey?.ToString(), (string?)revoked[0]!["successor"]);
        Assert.Equal(0, Run("revoke", "--dir", _temp, "--participant", "B", "--key", stolen));
        Assert.Equal(2, KeyRotation.List(config).Count);
    }

    [Fact]
    public void Pins_and_refused_claims_are_told_in_lines()
    {
        var answer = JsonNode.Parse("""
            {"identity":"ID","keys":[{"key":"K1","identity":"I1","state":"active","successor":null},
             {"key":"K2","identity":"I1","state":"retired","successor":"K1"}],
             "conflicts":[{"key":"K1","pinnedTo":"I1","claimedBy":null,"url":"http://x:1/"},
             {"key":"K1","pinnedTo":"I1","claimedBy":"I2","url":"http://y:1/"}]}
            """);
        Assert.Equal(
            [
                "our identity  ID", "active   K1 of I1", "retired  K2 of I1, now K1",
                "REFUSED  K1 of I1 is claimed at http://x:1/ without an identity", "REFUSED  K1 of I1 is claimed at http://y:1/ by I2",
            ], PeerKeysCommands.Lines(answer));
        Assert.Contains("--participant", Refused("peers"));
        Assert.Contains("unix:/path", Refused("peers", "--q2t", "nowhere"));
        Assert.Contains("did not answer", Refused("peers", "--q2t", "unix:" + Path.Combine(_temp, "none.ipc")));
        Assert.Contains("not the base64", Refused("accept", "--q2t", "unix:" + Path.Combine(_temp, "none.ipc"), "--key", "x"));
    }

    [Fact]
    public void Which_enclave_and_which_key_have_to_be_said()
    {
        Make();
        Assert.Contains("say which", Refused("revoke", "--configfile", Config));
        Assert.Contains("--successor", Refused("revoke", "--configfile", Config, "--key", Convert.ToBase64String(new byte[32]),
            "--successor", "x"));
        Assert.Contains("--participant", Refused("rotate"));
        Assert.Contains("--participant", Refused("status", "--dir", _temp));
        Assert.Contains("--participant", Refused("status", "--dir", _temp, "--participant", "A", "--configfile", Config));
        Assert.Contains("no network", Refused("status", "--dir", _temp, "--participant", "A"));
        Assert.Contains("not the base64", Refused("rotate", "--configfile", Config, "--key", "x"));
        Assert.Contains("say which", Refused("retire", "--configfile", Config, "--accept-loss"));
        Assert.Contains("no file", Refused("status", "--configfile", Path.Combine(_temp, "none")));
    }

    private string Make()
    {
        var path = Path.Combine(_temp, "tm");
        var key = TesseraKeyFile.Generate(path).ToString();
        File.WriteAllText(Config, $$$"""{"keys":{"keyData":[{"privateKeyPath":"{{{path}}}.key","publicKeyPath":"{{{path}}}.pub"}]}}""");
        return key;
    }

    private static string Refused(params string[] arguments) => Assert.Throws<CommandException>(() => Run(arguments)).Message;

    private static int Run(params string[] arguments) =>
        KeysCommands.Create().Parse(arguments)
        .Invoke(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
