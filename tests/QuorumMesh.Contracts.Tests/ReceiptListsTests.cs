using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.Contracts.Tests;

public sealed class ReceiptListsTests
{
    [Fact]
    public void Lists_are_read_back_and_what_is_cut_off_or_too_many_is_refused()
    {
        byte[][] lists = [[1, 2, 3], [], [4]];
        var body = ReceiptLists.Write(lists);
        Assert.Equal([0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 1, 4], body);
        Assert.Equal(lists, ReceiptLists.Read(body));
        Assert.Empty(ReceiptLists.Read([]));
        Assert.Throws<WireFormatException>(() => ReceiptLists.Read(body.AsSpan(0, body.Length - 1)));
        Assert.Throws<WireFormatException>(() => ReceiptLists.Read([0, 0, 0]));
        Assert.Throws<WireFormatException>(() => ReceiptLists.Read([0xff, 0xff, 0xff, 0xff]));
        Assert.Throws<WireFormatException>(() => ReceiptLists.Read(new byte[4 * (ReceiptLists.MaxLists + 1)]));
    }
}
