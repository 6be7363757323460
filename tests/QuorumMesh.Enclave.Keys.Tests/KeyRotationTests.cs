using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Keys.Tests;

public sealed class KeyRotationTests : IDisposable
{
    private static readonly ArgonOptions Light = new(ArgonVariant.Id, 8, 3, 1);

    private readonly TempDirectory _directory = new();

    private string Config => _directory.File("e.json");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Twenty_rotations_leave_one_key_that_seals_and_all_others_that_open()
    {
        var keys = new List<PublicKey> { Make() };
        for (var i = 0; i < 20; i++)
        {
            keys.Insert(0, KeyRotation.Rotate(Config));
            var ring = await LoadAsync();
            Assert.Equal(keys, ring.Keys.Select(k => k.PublicKey));
            Assert.All(ring.Keys, k => Assert.Equal("tm", k.Id));
            Assert.Equal(1, ring.Keys.Count(k => k.State == EnclaveKeyState.Active));
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.File("tm-21.key")));
        Assert.Contains("\"alwaysSendTo\"", File.ReadAllText(Config));
        Assert.Equal(21, KeyRotation.List(Config).Count);

        foreach (var old in keys.Skip(1))
            Assert.True(File.Exists(KeyRotation.Retire(Config, old)));
        Assert.Equal([keys[0]], (await LoadAsync()).Keys.Select(k => k.PublicKey));
    }

    [Fact]
    public async Task A_revoked_key_is_rotated_first_opens_still_and_is_told_with_its_successor()
    {
        var stolen = Make();
        var successor = await KeyRotation.RevokeAsync(Config, stolen, null, _ => null, default);
        var ring = await LoadAsync();
        Assert.Equal([successor, stolen], ring.Keys.Select(k => k.PublicKey));
        Assert.Equal([new RevokedKey(stolen, successor)], ring.Revoked);

        // Said again, and after the successor was rotated itself: nothing changes.
        Assert.Equal(successor, await KeyRotation.RevokeAsync(Config, stolen, null, _ => null, default));
        KeyRotation.Rotate(Config);
        Assert.Equal([new RevokedKey(stolen, successor)], (await LoadAsync()).Revoked);

        // One that was taken out of the configuration long ago.
        var gone = new PublicKey([.. Enumerable.Repeat((byte)7, 32)]);
        Assert.Null(await KeyRotation.RevokeAsync(Config, gone, null, _ => null, default));
        Assert.Equal([stolen, gone], (await LoadAsync()).Revoked.Select(r => r.Key));
        Assert.Equal(3, (await LoadAsync()).Keys.Count);
    }

    [Fact]
    public async Task A_revocation_that_was_cut_off_after_its_rotation_is_finished_by_the_next_try()
    {
        var stolen = Make();
        var next = KeyRotation.Rotate(Config, stolen);
        Assert.Equal(next, await KeyRotation.RevokeAsync(Config, stolen, null, _ => null, default));
        Assert.Equal([new RevokedKey(stolen, next)], (await LoadAsync()).Revoked);
        Assert.Equal(2, (await LoadAsync()).Keys.Count);
    }

    [Theory]
    [InlineData("\"x\"", "keys.revoked")]
    [InlineData("[{}]", "keys.revoked[0].publicKey")]
    [InlineData("[{\"publicKey\":\"zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=\",\"successor\":\"no\"}]", "keys.revoked[0].successor")]
    public async Task Revocations_that_cannot_be_read_stop_the_load_by_name(string list, string setting)
    {
        Make();
        Write(File.ReadAllText(Config).Replace("\"keyData\"", $"\"revoked\":{list},\"keyData\"", StringComparison.Ordinal));
        Assert.Equal(setting, (await Assert.ThrowsAsync<KeyException>(LoadAsync)).Key);
    }

    [Fact]
    public async Task A_locked_keys_successor_is_locked_by_its_password_and_the_lines_of_others_stay_theirs()
    {
        var first = TesseraKeyFile.Generate(_directory.File("tm"), "one"u8, Light);
        var second = TesseraKeyFile.Generate(_directory.File("other"), "two"u8, Light);
        _directory.Write("passwords", "one\ntwo\n");
        Write($$$"""{"keys":{"passwordFile":"{{{_directory.File("passwords")}}}","keyData":[{{{Entry("tm")}}},{{{Entry("other")}}}]}}""");
        var next = KeyRotation.Rotate(Config, second, Light);
        var ring = await LoadAsync();
        Assert.Equal([first, next, second], ring.Keys.Select(k => k.PublicKey));
        using var locked = TesseraKeyFile.ReadPrivateKey(_directory.File("other-2.key"), "two"u8);
        Assert.Equal("one\ntwo\ntwo\n", File.ReadAllText(_directory.File("passwords-2")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_directory.File("passwords-2")));

        KeyRotation.Retire(Config, second);
        Assert.Equal([first, next], (await LoadAsync()).Keys.Select(k => k.PublicKey));
        Assert.Equal("one\ntwo\n", File.ReadAllText(_directory.File("passwords-3")));
    }

    [Fact]
    public async Task A_pair_that_is_there_is_never_taken_neither_a_retired_one_nor_anothers_nor_a_cut_off_trys()
    {
        var first = Make();
        var stolen = KeyRotation.Rotate(Config);
        var third = KeyRotation.Rotate(Config);
        KeyRotation.Retire(Config, stolen);
        var fourth = KeyRotation.Rotate(Config);
        Assert.Equal([fourth, third, first], (await LoadAsync()).Keys.Select(k => k.PublicKey));
        Assert.Equal(stolen, TesseraKeyFile.ReadPublicKey(_directory.File("tm-2.pub")));
        Assert.Equal(fourth, TesseraKeyFile.ReadPublicKey(_directory.File("tm-4.pub")));

        // A private half alone counts too, and a whole pair that nothing names: both stay as they are.
        File.WriteAllText(_directory.File("tm-5.key"), "half");
        var unnamed = TesseraKeyFile.Generate(_directory.File("tm-7"));
        Assert.NotEqual(unnamed, KeyRotation.Rotate(Config));
        Assert.Equal("half", File.ReadAllText(_directory.File("tm-5.key")));
        Assert.Equal(unnamed, TesseraKeyFile.ReadPublicKey(_directory.File("tm-7.pub")));
        Assert.True(File.Exists(_directory.File("tm-8.key")));

        var node = TesseraKeyFile.Generate(_directory.File("node-1"));
        var other = TesseraKeyFile.Generate(_directory.File("node-2"));
        Write($$$"""{"keys":{"keyData":[{{{Entry("node-1")}}}]}}""");
        Assert.NotEqual(other, KeyRotation.Rotate(Config, node));
        Assert.True(File.Exists(_directory.File("node-3.key")));
    }

    [Fact]
    public async Task Files_of_one_name_in_two_directories_are_no_successors_of_each_other()
    {
        foreach (var directory in (string[])["a", "b"])
        {
            Directory.CreateDirectory(_directory.File(directory));
            TesseraKeyFile.Generate(_directory.File(Path.Combine(directory, "tm")));
        }

        Write($$$"""{"keys":{"keyData":[{{{Entry("a/tm")}}},{{{Entry("b/tm").TrimEnd('}')}}},"retired":true}]}}""");
        Assert.Equal(2, (await LoadAsync()).Keys.Select(k => k.Id).Distinct().Count());
    }

    [Fact]
    public void What_cannot_be_rotated_or_retired_is_told_and_nothing_is_written()
    {
        var key = Make();
        var before = File.ReadAllText(Config);
        Assert.Contains("no retired key", Assert.Throws<KeyException>(() => KeyRotation.Retire(Config, key)).Message);
        Assert.Contains("no active key", Assert.Throws<KeyException>(() => KeyRotation.Rotate(Config, Samples.Sender)).Message);
        Assert.Contains("no file", Assert.Throws<KeyException>(() => KeyRotation.List(_directory.File("none"))).Message);
        Assert.Equal(before, File.ReadAllText(Config));

        Write("""
            {"keys":{"keyData":[{"hashicorpVaultSecretName":"tm1","hashicorpVaultSecretEngineName":"kv","hashicorpVaultPublicKeyId":"a",
             "hashicorpVaultPrivateKeyId":"b"}]}}
            """);
        Assert.Equal("vault kv/tm1", Assert.Single(KeyRotation.List(Config)).Place);
        Write($$$"""{"keys":{"keyData":[{"privateKey":"{{{Samples.SenderPrivate}}}","publicKey":"{{{Samples.SenderPublic}}}"}]}}""");
        var error = Assert.Throws<KeyException>(() => KeyRotation.Rotate(Config));
        Assert.Contains("move it to a key file", error.Message);
        Assert.DoesNotContain(Samples.SenderPrivate, error.ToString());
        Write("{\"keys\":");
        Assert.Contains("not JSON", Assert.Throws<KeyException>(() => KeyRotation.List(Config)).Message);
    }

    private PublicKey Make()
    {
        var key = TesseraKeyFile.Generate(_directory.File("tm"));
        Write($$$"""{"alwaysSendTo":[],"keys":{"keyData":[{{{Entry("tm")}}}]}}""");
        return key;
    }

    private void Write(string config) => _directory.Write("e.json", config);

    private string Entry(string name) =>
        $$"""{"privateKeyPath":"{{_directory.File(name)}}.key","publicKeyPath":"{{_directory.File(name)}}.pub"}""";

    private async Task<KeyRing> LoadAsync()
    {
        using var provider = new TesseraKeyProvider(Config, TimeProvider.System, _ => null);
        return await provider.LoadAsync(default);
    }
}
