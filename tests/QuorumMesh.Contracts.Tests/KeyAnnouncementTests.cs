using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.Contracts.Tests;

public sealed class KeyAnnouncementTests
{
    private static readonly PublicKey Identity = Key(9), A = Key(1), B = Key(2), C = Key(3);

    private static readonly KeyAnnouncement Sample = new(Identity, 0x0102,
    [
        new AnnouncedKey(A, AnnouncedState.Active), new AnnouncedKey(B, AnnouncedState.Retired, A),
        new AnnouncedKey(C, AnnouncedState.Revoked),
    ]);

    [Fact]
    public void The_bytes_are_those_of_the_contract_and_are_read_back()
    {
        byte[] expected =
        [
            1, .. Identity.Span, 0, 0, 0, 0, 0, 0, 1, 2, 0, 3, 1, .. A.Span, .. new byte[32], 2, .. B.Span, .. A.Span, 3, .. C.Span,
            .. new byte[32],
        ];
        Assert.Equal(expected, KeyAnnouncementCodec.Encode(Sample));
        var read = KeyAnnouncementCodec.Decode(expected);
        Assert.Equal((Sample.Identity, Sample.Serial), (read.Identity, read.Serial));
        Assert.Equal(Sample.Keys, read.Keys);
    }

    [Fact]
    public void Every_cut_and_every_addition_is_refused()
    {
        var bytes = KeyAnnouncementCodec.Encode(Sample);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<WireFormatException>(() => KeyAnnouncementCodec.Decode(bytes.AsSpan(0, length)));
        Assert.Throws<WireFormatException>(() => KeyAnnouncementCodec.Decode([.. bytes, 0]));
    }

    public static TheoryData<string, AnnouncedKey[]> Contradictions => new()
    {
        { "named twice", [new AnnouncedKey(A, AnnouncedState.Active), new AnnouncedKey(A, AnnouncedState.Revoked)] },
        { "no successor", [new AnnouncedKey(A, AnnouncedState.Active), new AnnouncedKey(B, AnnouncedState.Retired)] },
        { "no active key", [new AnnouncedKey(A, AnnouncedState.Active), new AnnouncedKey(B, AnnouncedState.Retired, C)] },
        { "no active key", [new AnnouncedKey(B, AnnouncedState.Retired, B)] },
        { "has a successor", [new AnnouncedKey(A, AnnouncedState.Active), new AnnouncedKey(B, AnnouncedState.Active, A)] },
        { "not known", [new AnnouncedKey(A, (AnnouncedState)4)] },
        { "32 bytes", [new AnnouncedKey(new PublicKey(new byte[33]), AnnouncedState.Active)] },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void What_contradicts_itself_is_neither_written_nor_read(string reason, AnnouncedKey[] keys)
    {
        var refused = Assert.Throws<ArgumentException>(() => KeyAnnouncementCodec.Encode(Sample with { Keys = keys }));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        if (keys.Any(k => k.Key.Length != 32))
            return;
        byte[] bytes = [1, .. Identity.Span, 0, 0, 0, 0, 0, 0, 1, 2, 0, (byte)keys.Length];
        foreach (var key in keys)
            bytes = [.. bytes, (byte)key.State, .. key.Key.Span, .. key.Successor?.ToArray() ?? new byte[32]];
        var unread = Assert.Throws<WireFormatException>(() => KeyAnnouncementCodec.Decode(bytes));
        Assert.Contains(reason, unread.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_versions_negative_serials_and_too_many_keys_are_refused()
    {
        var bytes = KeyAnnouncementCodec.Encode(Sample);
        bytes[0] = 2;
        Assert.Contains("version 2", Assert.Throws<WireFormatException>(() => KeyAnnouncementCodec.Decode(bytes)).Message);
        (bytes[0], bytes[33]) = (1, 0x80);
        Assert.Contains("serial", Assert.Throws<WireFormatException>(() => KeyAnnouncementCodec.Decode(bytes)).Message);
        AnnouncedKey[] many = [.. Enumerable.Range(0, KeyAnnouncementCodec.MaxKeys + 1).Select(
            i => new AnnouncedKey(new PublicKey([.. BitConverter.GetBytes(i), .. new byte[28]]), AnnouncedState.Active))];
        Assert.Throws<ArgumentException>(() => KeyAnnouncementCodec.Encode(Sample with { Keys = many }));
        Assert.Equal(KeyAnnouncementCodec.MaxSize, KeyAnnouncementCodec.Encode(Sample with { Keys = many[1..] }).Length);
    }

    [Fact]
    public void An_answer_is_read_back_and_its_parts_have_their_lengths()
    {
        byte[] presence = [.. Enumerable.Repeat((byte)5, 64)], signature = [.. Enumerable.Repeat((byte)6, 64)];
        var bytes = KeyAnnouncementCodec.Encode(Sample);
        var body = new IdentityAnswer(presence, new SignedAnnouncement(Sample, bytes, signature)).Write();
        var read = IdentityAnswer.Read(body);
        Assert.Equal(presence, read.Presence);
        Assert.Equal(signature, read.Announcement.Signature);
        Assert.Equal(bytes, read.Announcement.Bytes);
        Assert.Throws<WireFormatException>(() => IdentityAnswer.Read(body.AsSpan(0, 127)));
        Assert.Throws<WireFormatException>(() => IdentityAnswer.Read(new byte[IdentityAnswer.MaxSize + 1]));
        Assert.Equal(43, IdentityAnswer.Tag(bytes).Length);
    }

    private static PublicKey Key(byte b) => new(Enumerable.Repeat(b, 32).ToArray());
}
