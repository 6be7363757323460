namespace QuorumMesh.Contracts.Parties;

/// <summary>The binary form of <see cref="PartyInfo"/>. Bytes after the last party are ignored: old senders padded with zeros.</summary>
public static class PartyInfoCodec
{
    /// <summary>Keys that one party info may list.</summary>
    public const int MaxRecipients = 10_000;
    /// <summary>URLs that one party info may list.</summary>
    public const int MaxParties = 10_000;
    /// <summary>Bytes of one URL.</summary>
    public const int MaxUrl = 2048;

    /// <summary>The bytes that Tessera's PartyInfoParser reads (tessera 2.2).</summary>
    public static byte[] Encode(PartyInfo info)
    {
        var w = new WireWriter();
        w.Text(info.Url);
        w.Length(info.Recipients.Count);
        foreach (RecipientEntry recipient in info.Recipients)
        {
            w.Field(recipient.Key.Span);
            w.Text(recipient.Url);
        }

        w.Length(info.Parties.Count);
        foreach (string party in info.Parties)
        {
            w.Text(party);
        }

        return w.ToArray();
    }

    /// <exception cref="WireFormatException">The bytes are not a party info; the message says where and why.</exception>
    public static PartyInfo Decode(ReadOnlySpan<byte> data)
    {
        var r = new WireReader(data);
        string url = r.ReadText("url", MaxUrl);
        var recipients = new RecipientEntry[r.ReadCount("recipients", MaxRecipients)];
        for (int i = 0; i < recipients.Length; i++)
        {
            recipients[i] = new RecipientEntry(r.ReadKey("recipient key"), r.ReadText("recipient url", MaxUrl));
        }

        var parties = new string[r.ReadCount("parties", MaxParties)];
        for (int i = 0; i < parties.Length; i++)
        {
            parties[i] = r.ReadText("party url", MaxUrl);
        }

        return new PartyInfo(url, recipients, parties);
    }
}
