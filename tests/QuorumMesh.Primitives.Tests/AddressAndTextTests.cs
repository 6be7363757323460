namespace QuorumMesh.Primitives.Tests;

public class AddressAndTextTests
{
    [Theory] // the examples of EIP-55
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")]
    [InlineData("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")]
    [InlineData("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EE7")]
    [InlineData("0xde709f2102306220921060314715629080e2fb77")]
    public void Checksum_text(string expected)
    {
        Address address = Address.Parse(expected);
        Assert.Equal(expected, address.ToChecksumString());
        Assert.Equal(expected.ToLowerInvariant(), address.ToString());
        Assert.Equal(address, Address.Parse(expected[2..]));
    }

    [Theory] // the examples of EIP-1014
    [InlineData("0000000000000000000000000000000000000000", "00", "00", "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38")]
    [InlineData("deadbeef00000000000000000000000000000000", "00", "00", "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3")]
    [InlineData("00000000000000000000000000000000deadbeef", "cafebabe", "deadbeef", "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7")]
    [InlineData("0000000000000000000000000000000000000000", "00", "", "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0")]
    public void Create2(string creator, string salt, string code, string expected)
    {
        byte[] fullSalt = Hex.FromHex(salt.PadLeft(64, '0'));
        Address made = Address.ForCreate2(Address.Parse(creator), fullSalt, Keccak.Hash(Hex.FromHex(code)));
        Assert.Equal(expected, made.ToChecksumString());
        Assert.Throws<ArgumentException>(() => Address.ForCreate2(made, new byte[31], default));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(0x7fUL)]
    [InlineData(0x80UL)]
    [InlineData(0x100UL)]
    [InlineData(ulong.MaxValue)]
    public void Create_is_the_hash_of_the_RLP(ulong nonce)
    {
        Address creator = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
        RlpWriter writer = new();
        int list = writer.BeginList();
        writer.Write(creator);
        writer.Write(nonce);
        writer.EndList(list);
        Assert.Equal(Address.FromWord(Keccak.Hash(writer.WrittenSpan).ToWord()), Address.ForCreate(creator, nonce));
    }

    [Fact]
    public void Order_is_byte_order()
    {
        Address low = Address.Parse("00ff000000000000000000000000000000000000");
        Address high = Address.Parse("0100000000000000000000000000000000000000");
        Assert.True(low.CompareTo(high) < 0);
        Assert.True(low.ToWord() < high.ToWord());
        Assert.True(Hash256.FromWord(255).CompareTo(Hash256.FromWord(256)) < 0);
        Assert.True(low != high);
        Assert.True(Address.Zero.IsZero && !high.IsZero);
        Assert.Equal(0, low.CompareTo(Address.Parse(low.ToString())));
    }

    [Fact]
    public void Words_hold_their_bytes()
    {
        byte[] bytes = new byte[32];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i + 1);
        Hash256 hash = new(bytes);
        Assert.Equal(UInt256.FromBigEndian(bytes), hash.ToWord());
        Assert.Equal(bytes, hash.ToArray());
        Address address = new(bytes.AsSpan(12));
        Assert.Equal(UInt256.FromBigEndian(bytes.AsSpan(12)), address.ToWord());
        Assert.Equal(address, Address.FromWord(hash.ToWord()));
        Assert.Equal(bytes[12..], address.ToArray());
        Assert.Equal(address.GetHashCode(), Address.FromWord(hash.ToWord()).GetHashCode());
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x")]
    [InlineData("0x12")]
    [InlineData("0xzz9d02e382b34818e88b88a309c7fe71e65f419d")]
    [InlineData("ed9d02e382b34818e88b88a309c7fe71e65f419d00")]
    public void Text_that_is_no_address_is_refused(string text)
    {
        Assert.False(Address.TryParse(text, out _));
        Assert.False(Address.TryParse(null, out _));
        Assert.Throws<FormatException>(() => Address.Parse(text));
        Assert.Throws<FormatException>(() => Hash256.Parse(text));
        Assert.Throws<FormatException>(() => PayloadHash.Parse(text));
        Assert.False(PayloadHash.TryFromBase64(text, out _));
    }

    [Fact]
    public void Lengths_are_checked()
    {
        Assert.Throws<ArgumentException>(() => new Address(new byte[19]));
        Assert.Throws<ArgumentException>(() => new Hash256(new byte[33]));
        Assert.Throws<ArgumentException>(() => new PayloadHash(new byte[32]));
        Assert.Throws<ArgumentException>(() => Address.Zero.CopyTo(new byte[19]));
    }

    [Fact]
    public void Payload_hash_round_trips()
    {
        PayloadHash hash = Sha3.HashPayload([1, 2, 3]);
        Assert.Equal(hash, PayloadHash.Parse(hash.ToString()));
        Assert.Equal(hash, new PayloadHash(hash.ToArray()));
        Assert.True(PayloadHash.TryFromBase64(hash.ToBase64(), out PayloadHash read));
        Assert.Equal(hash, read);
        Assert.Equal(Convert.ToBase64String(hash.Bytes), hash.ToBase64());
        Assert.False(PayloadHash.TryFromBase64(Convert.ToBase64String(new byte[66]), out _));
        Assert.False(PayloadHash.TryFromBase64(Convert.ToBase64String(new byte[65]), out _));
        Assert.False(PayloadHash.TryFromBase64(new string('!', 88), out _));
        Assert.True(hash != default && default(PayloadHash).IsZero && !hash.IsZero);
    }

    [Fact]
    public void Hex_text()
    {
        Assert.Equal("0x00ff", Hex.ToHex([0, 255]));
        Assert.Equal("00ff", Hex.ToHex([0, 255], prefix: false));
        Assert.Equal([0, 255], Hex.FromHex("0x00fF"));
        Assert.Equal([0, 255], Hex.FromHex("0X00ff"));
        Assert.Empty(Hex.FromHex("0x"));
        Assert.Empty(Hex.FromHex(""));
        Assert.Throws<FormatException>(() => Hex.FromHex("0x0"));
        Assert.Throws<FormatException>(() => Hex.FromHex("0g"));
        Assert.Throws<FormatException>(() => Hex.FromHex("g0"));
        Assert.False(Hex.TryFromHex(null, out _));
        Assert.Equal("0x0", Hex.Quantity(0));
        Assert.Equal("0x400", Hex.Quantity(1024));
        Assert.Equal("0xffffffffffffffff", Hex.Quantity(ulong.MaxValue));
    }
}
