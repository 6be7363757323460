using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts.Tests;

public sealed class KeystoreManagerTests : IDisposable
{
    private static readonly byte[] Hash = Keccak.Hash("message"u8).ToArray();
    private readonly string _directory = Directory.CreateTempSubdirectory("qm-keystore-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 7, 1, 12, 30, 15, 123, TimeSpan.Zero));
    private readonly KeystoreManager _keystore;

    public KeystoreManagerTests() => _keystore = new KeystoreManager(_directory, ScryptParameters.Light, _time);

    public void Dispose()
    {
        _keystore.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void New_account_is_a_file_in_geths_form_that_only_the_owner_reads()
    {
        var address = _keystore.NewAccount("pass");
        var file = Assert.Single(Directory.GetFiles(_directory));
        Assert.Equal($"UTC--2026-07-01T12-30-15.123000000Z--{address.ToString()[2..]}", Path.GetFileName(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal([address], _keystore.Accounts);
    }

    [Fact]
    public void Signs_only_when_unlocked_and_recovers_to_the_account()
    {
        var address = _keystore.NewAccount("pass");
        Assert.Equal("authentication needed: password or unlock",
            Assert.Throws<AccountLockedException>(() => _keystore.Sign(address, Hash)).Message);
        Assert.True(_keystore.Unlock(address, "pass"));
        AssertSignedBy(address, _keystore.Sign(address, Hash));
        _keystore.Lock(address);
        Assert.Throws<AccountLockedException>(() => _keystore.Sign(address, Hash));
    }

    [Fact]
    public void Signs_once_with_a_password()
    {
        var address = _keystore.NewAccount("pass");
        AssertSignedBy(address, _keystore.SignWithPassword(address, "pass", Hash));
        Assert.False(_keystore.IsUnlocked(address));
        Assert.Equal(
            "could not decrypt key with given passphrase",
            Assert.Throws<WrongPasswordException>(() => _keystore.SignWithPassword(address, "wrong", Hash)).Message);
    }

    [Fact]
    public void Unlocking_ends_after_its_duration()
    {
        var address = _keystore.NewAccount("pass");
        _keystore.Unlock(address, "pass", TimeSpan.FromSeconds(300));
        _time.Advance(TimeSpan.FromSeconds(299));
        Assert.True(_keystore.IsUnlocked(address));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Throws<AccountLockedException>(() => _keystore.Sign(address, Hash));

        _keystore.Unlock(address, "pass");
        _keystore.Unlock(address, "pass", TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.True(_keystore.IsUnlocked(address));
    }

    [Fact]
    public void Unknown_accounts_and_wrong_passwords_are_told_apart()
    {
        Assert.Equal("unknown account", Assert.Throws<UnknownAccountException>(() => _keystore.Unlock(Address.Zero, "x")).Message);
        Assert.Throws<UnknownAccountException>(() => _keystore.Sign(Address.Zero, Hash));
        var address = _keystore.NewAccount("");
        Assert.Throws<WrongPasswordException>(() => _keystore.Unlock(address, "x"));
        Assert.True(_keystore.Unlock(address, ""));
    }

    [Fact]
    public void Import_is_checked_and_done_once()
    {
        var key = Enumerable.Repeat((byte)0x11, 32).ToArray();
        var address = _keystore.Import(key, "p");
        Assert.Equal("0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a", address.ToString());
        Assert.Equal("account already exists", Assert.Throws<AccountExistsException>(() => _keystore.Import(key, "p")).Message);
        Assert.Throws<InvalidPrivateKeyException>(() => _keystore.Import(new byte[32], "p"));
        Assert.Throws<InvalidPrivateKeyException>(() => _keystore.Import(new byte[31], "p"));
    }

    [Fact]
    public void Files_that_come_and_go_are_seen_and_other_files_ignored()
    {
        var address = _keystore.NewAccount("p");
        File.WriteAllText(Path.Combine(_directory, "notes.txt"), "no key");
        File.WriteAllText(Path.Combine(_directory, "big"), new string('x', 100_000));
        var file = _keystore.FileOf(address)!;
        var renamed = Path.Combine(_directory, "my-account");
        File.Move(file, renamed);
        Assert.Equal([address], _keystore.Accounts);
        Assert.True(_keystore.Unlock(address, "p"));
        File.Delete(renamed);
        Assert.Empty(_keystore.Accounts);
    }

    [Fact]
    public void A_file_whose_address_is_not_its_keys_is_refused()
    {
        var address = _keystore.NewAccount("p");
        var file = _keystore.FileOf(address)!;
        var other = Address.Parse("0x00000000000000000000000000000000000000aa");
        File.WriteAllText(Path.Combine(_directory, "forged"),
            File.ReadAllText(file).Replace(address.ToString()[2..], other.ToString()[2..]));
        Assert.Throws<KeystoreFormatException>(() => _keystore.Unlock(other, "p"));
    }

    [Fact]
    public void An_absent_directory_is_an_empty_keystore()
    {
        using var keystore = new KeystoreManager(Path.Combine(_directory, "none"), ScryptParameters.Light);
        Assert.Empty(keystore.Accounts);
    }

    private static void AssertSignedBy(Address address, byte[] signature)
    {
        Assert.Equal(65, signature.Length);
        Assert.True(Secp256k1.TryRecoverAddress(Hash, signature.AsSpan(0, 64), signature[64], out var signer));
        Assert.Equal(address, signer);
    }
}
