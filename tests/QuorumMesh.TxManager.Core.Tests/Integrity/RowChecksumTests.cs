using CsCheck;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Tests.Integrity;

public sealed class RowChecksumTests
{
    private static readonly Gen<object?> Column = Gen.OneOf(
        Gen.Bool.Select(_ => (object?)null),
        Gen.Byte.Array[0, 6].Select(b => (object?)b),
        Gen.String[Gen.Char['\0', '\u07ff'], 0, 6].Select(t => (object?)t),
        Gen.Long.Select(n => (object?)n),
        Gen.Int[0, 3].Select(n => (object?)(long)n),
        Gen.Double.Select(d => (object?)d));

    private static readonly Gen<(RowKind Kind, object?[] Columns)> Row =
        Gen.Select(Gen.Int[1, 3].Select(k => (RowKind)k), Column.Array[0, 4], (kind, columns) => (kind, columns));

    [Fact]
    public void Two_rows_that_differ_never_share_bytes() => Gen.Select(Row, Row).Sample(
        (a, b) =>
            Same(a, b) == RowChecksum.Layout(a.Kind, a.Columns)
                .AsSpan().SequenceEqual(RowChecksum.Layout(b.Kind, b.Columns)), iter: 20_000);

    /// <summary>Bytes that move over from one column to its neighbour are what a layout without lengths would not see.</summary>
    [Fact]
    public void A_border_between_columns_cannot_move() =>
        Gen.Select(Gen.Byte.Array[1, 40], Gen.Int[0, 40], Gen.Int[0, 40]).Sample((bytes, i, j) =>
    {
        (i, j) = (i % (bytes.Length + 1), j % (bytes.Length + 1));
        var same = RowChecksum.Layout(RowKind.Raw, bytes[..i],
            bytes[i..]).AsSpan().SequenceEqual(RowChecksum.Layout(RowKind.Raw, bytes[..j], bytes[j..]));
        return same == (i == j);
    });

    /// <summary>
    /// The layout read back by what its documentation says gives the row again: another proof that no two rows share bytes.
    /// </summary>
    [Fact]
    public void The_layout_can_be_read_back() => Row.Sample(row =>
    {
        var layout = RowChecksum.Layout(row.Kind, row.Columns);
        Assert.Equal((RowChecksum.Version, (byte)row.Kind, (byte)row.Columns.Length), (layout[0], layout[1], layout[2]));
        var at = 3;
        object?[] read = [.. row.Columns.Select(_ => ReadColumn(layout, ref at))];
        Assert.Equal(layout.Length, at);
        Assert.True(Same(row, (row.Kind, read)));
    });

    [Fact]
    public void The_stored_form_is_the_version_and_half_of_the_digest()
    {
        var stored = RowChecksum.Of(RowKind.Participation, 7L, new byte[] { 1, 2 }, "é", null, 2);
        var layout = Convert.FromHexString("0103" + "05" + "03" + "0000000000000007" + "01" + "00000002" + "0102" + "02" + "00000002"
            + "c3a9" + "00" + "03" + "0000000000000002");
        Assert.Equal(layout, RowChecksum.Layout(RowKind.Participation, 7L, new byte[] { 1, 2 }, "é", null, 2));
        Assert.Equal([1, .. System.Security.Cryptography.SHA256.HashData(layout)[..16]], stored);
        Assert.True(RowChecksum.Fits(stored, RowKind.Participation, 7L, new byte[] { 1, 2 }, "é", null, 2L));
        Assert.False(RowChecksum.Fits(stored.AsSpan(0, 16), RowKind.Participation, 7L, new byte[] { 1, 2 }, "é", null, 2L));
        Assert.False(RowChecksum.Fits([], RowKind.Participation, 7L, new byte[] { 1, 2 }, "é", null, 2L));
        Assert.Throws<ArgumentException>(() => RowChecksum.Of(RowKind.Raw, 1m));
    }

    private static object? ReadColumn(byte[] layout, ref int at)
    {
        var tag = layout[at++];
        if (tag == 0)
            return null;
        var length = 8;
        if (tag <= 2)
        {
            length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(layout.AsSpan(at));
            at += 4;
        }

        var bytes = layout[at..(at + length)];
        at += length;
        return tag switch
        {
            1 => bytes,
            2 => System.Text.Encoding.UTF8.GetString(bytes),
            3 => System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes),
            _ => System.Buffers.Binary.BinaryPrimitives.ReadDoubleBigEndian(bytes),
        };
    }

    private static bool Same((RowKind Kind, object?[] Columns) a, (RowKind Kind, object?[] Columns) b) =>
        a.Kind == b.Kind && a.Columns.Length == b.Columns.Length && a.Columns.Zip(b.Columns).All(p => Same(p.First, p.Second));

    private static bool Same(object? a, object? b) => (a, b) switch
    {
        (byte[] x, byte[] y) => x.AsSpan().SequenceEqual(y),
        (double x, double y) => BitConverter.DoubleToInt64Bits(x) == BitConverter.DoubleToInt64Bits(y),
        _ => Equals(a, b),
    };
}
