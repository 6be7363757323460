using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.Contracts.Tests;

/// <summary>Ids that Tessera's own tests publish, or that a Tessera 21.1.1 was recorded to give (tessera, Appendix E and 13.2).</summary>
public sealed class PrivacyGroupTests
{
    private static readonly PublicKey M1 = PublicKey.FromBase64("arhIcNa+MuYXZabmzJD5B33F3dZgqb0hEbM3FZsylSg=");
    private static readonly PublicKey M2 = PublicKey.FromBase64("B687sgdtqsem2qEXO8h8UqvW1Mb3yKo7id5hPFLwCmY=");
    private static readonly PublicKey M3 = PublicKey.FromBase64("HEkOUBXbgGCQ5+WDFUAhucXm/n5zUrfGkgdJY/5lfCs=");

    [Fact]
    public void Ids_are_those_of_a_Tessera_whatever_the_order_of_the_members()
    {
        Assert.Equal("f+2n2ScSwQj/MCQyGkIWWzukT90w51ouYlOPm80BMTE=", Id([M1, M2], "", PrivacyGroupType.Legacy));
        Assert.Equal("f+2n2ScSwQj/MCQyGkIWWzukT90w51ouYlOPm80BMTE=", Id([M2, M1, M2], "", PrivacyGroupType.Legacy));
        Assert.Equal("cOHh0dgkVV4lodSNuHu31ipEtUN/AFqviYekZDu4gEc=", Id([M1, M2, M3], "foo", PrivacyGroupType.Pantheon));
        Assert.Equal("y2HKqFmRmb1EAwpVanIzCDN3v2ZRKcQGdIoQ6XsFRmk=",
            Convert.ToBase64String(PrivacyGroup.LookupIdOf([M3, M1, M2]).Bytes));
    }

    [Fact]
    public void A_group_of_more_than_255_bytes_has_the_id_of_correct_RLP()
    {
        PublicKey[] nine = [.. Enumerable.Range(1, 9).Select(i => new PublicKey(Enumerable.Repeat((byte)i, 32).ToArray()))];
        Assert.Equal("3IuP++AlkqoBIE49ZN0EzMRsd1+9nWs5znEikUoOMUg=", Id(nine, "", PrivacyGroupType.Legacy));
    }

    [Fact]
    public void Groups_are_read_back_as_they_were_written_and_nothing_else_is()
    {
        var group = new PrivacyGroup("Gruppe ä", "desc", [M1, M2], [1, 2], PrivacyGroupType.Pantheon, IsDeleted: true);
        var bytes = PrivacyGroupCodec.Encode(group);
        var read = PrivacyGroupCodec.Decode(bytes);
        Assert.Equal(bytes, PrivacyGroupCodec.Encode(read));
        Assert.Equal((group.Name, group.Description, group.Type, true), (read.Name, read.Description, read.Type, read.IsDeleted));
        Assert.Equal(group.Id, read.Id);

        for (var cut = 0; cut < bytes.Length; cut++)
            Assert.Throws<WireFormatException>(() => PrivacyGroupCodec.Decode(bytes.AsSpan(0, cut)));
        // A bit in the words of type or state.
        for (var at = bytes.Length - 23; at < bytes.Length - 15; at++)
        {
            var flipped = bytes.ToArray();
            flipped[at] ^= 1;
            Assert.Throws<WireFormatException>(() => PrivacyGroupCodec.Decode(flipped));
        }
    }

    private static string Id(IReadOnlyList<PublicKey> members, string seed, PrivacyGroupType type) => Convert.ToBase64String(
        new PrivacyGroup("", "", members, System.Text.Encoding.UTF8.GetBytes(seed), type).Id.Bytes);
}
