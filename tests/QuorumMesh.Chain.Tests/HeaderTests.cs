using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

public sealed class HeaderTests
{
    private const string BesuVanity = "d783010800846765746887676f312e392e32856c696e75780000000000000000";
    private const string BesuExtra = BesuVanity
        + "f90164f8549424defc2d149861d3d245749b81fe0e6b28e04f31942a813d7db3de19b07f92268b6d4125ed295cbe00943814f17bd4b7ce47ab8146684b3443c0a4b2fc2c94c332d0db1704d18f89a590e7586811e36d37ce04"
        + "b8417480a32e81936a40da3b8b730c28963a80011fdddb70470573675a11c7871873165e213b80b1ed5bf5a59a31874baf1d6e83d55141f719ada73815c8712c4c6501"
        + "f8c9b8417ba97752c9a3d14ae8c5f6f864c2808b816a0d3ebef9a3b03c3cf9e31311baeb2e32609ccc99f13488e9e8ea192debf1c26f8c70c2332dfbb8456292fd93661100"
        + "b841bbf2d1710a41bee7895dadbbbc92713ba9e74129bb665984f349950d7b5275303db99b12ea3483430079dd5d90bcc3962f72217863725f6cd72ab5c10c8c540001"
        + "b8415df74d9bf9687a3da10a4660cfd6fd6739df59db5535fa3a7c58382ec587f4fe581089a9e3cd4b8c3b77eeabdd756f1f34ffb990cfd47e81bb205bd10be619d001";

    private static readonly BlockHeader RealIbftBlock = new()
    {
        ParentHash = Hash256.Parse("a7762d3307dbf2ae6a1ae1b09cf61c7603722b2379731b6b90409cdb8c8288a0"),
        StateRoot = Hash256.Parse("ca07595b82f908822971b7e848398e3395e59ee52565c7ef3603df1a1fa7bc80"),
        Difficulty = UInt256.One,
        Number = 1,
        GasLimit = 4704588,
        Time = 1530674616,
        MixHash = IstanbulHeader.Digest,
        ExtraData = Hex.FromHex(BesuExtra),
    };

    [Fact]
    public void Real_IBFT_block_has_its_hash_proposer_and_committers()
    {
        Assert.Equal(Hash256.Parse("0d60351c129af309fc8597c81358652d3d0f0e3141b5432888c4aae405ee0184"), RealIbftBlock.Hash);
        Assert.True(IstanbulExtra.TryDecode(RealIbftBlock.ExtraData, out var extra));
        Assert.Equal(4, extra.Validators.Count);
        Assert.Equal(RealIbftBlock.ExtraData, extra.Encode());
        Assert.Equal(Hash256.Parse("7dec3ba3ccbbc7ede07f73d0c87a91e97dc266afeb7df53553392548a44686af"),
            IstanbulHeader.SigningHash(RealIbftBlock, extra));
        Assert.True(IstanbulHeader.TryRecoverProposer(RealIbftBlock, out var proposer));
        Assert.Equal(extra.Validators[0], proposer);
        Assert.True(IstanbulHeader.TryRecoverCommitters(RealIbftBlock, out var committers));
        Assert.Equal([extra.Validators[2], extra.Validators[0], extra.Validators[1]], committers);
    }

    [Fact]
    public void Committed_seals_do_not_change_the_hash()
    {
        Assert.True(IstanbulExtra.TryDecode(RealIbftBlock.ExtraData, out var extra));
        var fewer = RealIbftBlock with { ExtraData = (extra with { CommittedSeals = [extra.CommittedSeals[0]] }).Encode() };
        Assert.Equal(RealIbftBlock.Hash, fewer.Hash);
        Assert.NotEqual(RealIbftBlock, fewer);
    }

    [Fact]
    public void Filtered_hash_of_the_zero_header()
    {
        var extra = "0000000000000000000000000000000000000000000000000000000000000000" +
            "f89af8549444add0ec310f115a0e603b2d7db9f067778eaf8a94294fc7e8f22b3bcdcf955dd7ff3ba2ed833f8212946beaaed781d2d2ab6350f5c4566a2c6eaac407a6948be76812f765c24641ec63dc2852b378aba2b440b8410000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000c0";
        var header = new BlockHeader
        {
            UncleHash = default,
            TransactionsRoot = default,
            ReceiptsRoot = default,
            MixHash = IstanbulHeader.Digest,
            ExtraData = Hex.FromHex(extra),
        };
        Assert.Equal(Hash256.Parse("cefefd3ade63a5955bca4562ed840b67f39e74df217f7e5f7241a6e9552cca70"), header.Hash);
        var longer = header with { ExtraData = Hex.FromHex(extra + "010203") };
        Assert.Equal(Keccak.Hash(longer.Encode()), longer.Hash);
    }

    [Fact]
    public void Header_survives_encoding()
    {
        var decoded = BlockHeader.Decode(RealIbftBlock.Encode());
        Assert.Equal(RealIbftBlock, decoded);
        Assert.Equal(RealIbftBlock.Hash, decoded.Hash);
        Assert.NotEqual(RealIbftBlock.Hash, (decoded with { Number = 2 }).Hash);
    }

    [Fact]
    public void Cut_header_is_a_format_error()
    {
        var encoded = RealIbftBlock.Encode();
        Assert.ThrowsAny<FormatException>(() => BlockHeader.Decode(encoded.AsSpan(0, encoded.Length - 1)));
        Assert.ThrowsAny<FormatException>(() => BlockHeader.Decode([.. encoded, 0]));
    }

    [Fact]
    public void Bloom_of_a_log_contains_its_parts()
    {
        var log = new Evm.LogEntry(Address.Parse("0x1932c48b2bf8102ba33b4a6b545c32236e342f34"), [Keccak.Hash([1]), Keccak.Hash([2])], [3]);
        var bloom = Bloom.Of([log]);
        Assert.True(bloom.Contains(log.Address) && bloom.Contains(log.Topics[0]) && bloom.Contains(log.Topics[1]));
        Assert.False(bloom.Contains(Keccak.Hash([9])));
        Assert.True(new Bloom().IsEmpty);
    }
}
