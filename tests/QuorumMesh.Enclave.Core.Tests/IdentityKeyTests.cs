using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core.Tests;

/// <summary>Statements that an enclave's identity signs.</summary>
public sealed class IdentityKeyTests
{
    private static readonly PublicKey Recipient = new(new byte[32]);
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>RFC 8032, 7.1, test 1: the seed and its public key.</summary>
    [Fact]
    public void The_public_key_is_that_of_RFC_8032()
    {
        using var identity = Key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        Assert.Equal("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", Convert.ToHexStringLower(identity.PublicKey));
    }

    [Fact]
    public void What_is_signed_is_laid_out_as_the_contract_says()
    {
        var receipt = IdentityStatement.DeliveryReceipt(new byte[64], Recipient, DateTimeOffset.FromUnixTimeMilliseconds(258));
        byte[] expected = [.. "quorummesh identity 1: delivery receipt\0"u8, .. new byte[64], .. new byte[32], 0, 0, 0, 0, 0, 0, 1, 2];
        Assert.Equal(expected, receipt.Signed);
        byte[] tls = [.. "quorummesh identity 1: manager tls key\0"u8, 7, 8];
        Assert.Equal(tls, IdentityStatement.ManagerTlsKey([7, 8]).Signed);
        byte[] keys = [.. "quorummesh identity 1: own keys\0"u8, 7, 8];
        Assert.Equal(keys, IdentityStatement.OwnKeys([7, 8]).Signed);
        byte[] presence = [.. "quorummesh identity 1: presence\0"u8, .. new byte[32], .. "http://b:1/"u8];
        Assert.Equal(presence, IdentityStatement.Presence(new byte[32], "http://b:1/").Signed);
    }

    [Fact]
    public void A_signature_holds_for_its_statement_and_its_key_alone()
    {
        using var identity = Key(new string('1', 64));
        using var other = Key(new string('2', 64));
        var hash = new byte[64];
        var receipt = IdentityStatement.DeliveryReceipt(hash, Recipient, Noon);
        var signature = identity.Sign(receipt);
        Assert.True(IdentityKey.Verify(identity.PublicKey, IdentityStatement.DeliveryReceipt(hash, Recipient, Noon), signature));
        Assert.False(IdentityKey.Verify(other.PublicKey, receipt, signature));
        hash[0]++;
        Assert.False(IdentityKey.Verify(identity.PublicKey, IdentityStatement.DeliveryReceipt(hash, Recipient, Noon), signature));
        Assert.False(IdentityKey.Verify(identity.PublicKey,
            IdentityStatement.DeliveryReceipt(new byte[64], Recipient, Noon.AddMilliseconds(1)), signature));
        Assert.False(IdentityKey.Verify(identity.PublicKey, IdentityStatement.ManagerTlsKey(receipt.Signed), signature));
        for (var i = 0; i < signature.Length; i++)
        {
            signature[i] ^= 0x80;
            Assert.False(IdentityKey.Verify(identity.PublicKey, receipt, signature));
            signature[i] ^= 0x80;
        }
    }

    /// <summary>A key of small order verifies signatures that nobody made.</summary>
    [Fact]
    public void Keys_and_signatures_that_are_none_are_refused_without_an_exception()
    {
        var receipt = IdentityStatement.DeliveryReceipt(new byte[64], Recipient, Noon);
        byte[] neutral = [1, .. new byte[31]];
        Assert.False(IdentityKey.Verify(neutral, receipt, [1, .. new byte[63]]));
        Assert.False(IdentityKey.Verify(new byte[31], receipt, new byte[64]));
        Assert.False(IdentityKey.Verify(new byte[32], receipt, new byte[65]));
    }

    [Fact]
    public void Parts_of_a_wrong_length_are_refused()
    {
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.DeliveryReceipt(new byte[63], Recipient, Noon));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.DeliveryReceipt(new byte[64], new PublicKey(new byte[33]), Noon));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.DeliveryReceipt(new byte[64], Recipient, DateTimeOffset.MinValue));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.ManagerTlsKey([]));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.ManagerTlsKey(new byte[4097]));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.OwnKeys([]));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.Presence(new byte[31], "http://b:1/"));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.Presence(new byte[32], ""));
        Assert.Throws<InvalidCipherException>(() => IdentityStatement.Presence(new byte[32], new string('x', 2049)));
        using var seed = new SecretBuffer(31);
        Assert.Throws<ArgumentException>(() => new IdentityKey(seed));
    }

    private static IdentityKey Key(string hex)
    {
        using var seed = SecretBuffer.CopyOf(Convert.FromHexString(hex));
        return new IdentityKey(seed);
    }
}
