namespace QuorumMesh.Node.Rpc.Json;

/// <summary>What Go's encoding/json says of bytes that are no JSON.</summary>
internal static class GoJsonText
{
    private const string ValueStarts = "{[\"-0123456789tfn";

    /// <summary>The error of decoding a transaction from bytes that hold none.</summary>
    /// <param name="reason">What is wrong with them where they begin like JSON.</param>
    public static string NoTransaction(ReadOnlySpan<byte> bytes, string reason)
    {
        var text = bytes.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty) return "EOF";
        return ValueStarts.Contains((char)text[0], StringComparison.Ordinal) ? reason
            : $"invalid character {Quoted(text[0])} looking for beginning of value";
    }

    /// <summary>A byte as Go's scanner shows it: as the character of that number, escaped as in a Go string.</summary>
    private static string Quoted(byte character) => character switch
    {
        (byte)'\'' => @"'\''",
        (byte)'\\' => @"'\\'",
        0x07 => @"'\a'",
        0x08 => @"'\b'",
        0x0b => @"'\v'",
        0x0c => @"'\f'",
        < 0x20 or 0x7f => $@"'\x{character:x2}'",
        (>= 0x80 and <= 0xa0) or 0xad => $@"'\u{(int)character:x4}'",
        _ => $"'{(char)character}'",
    };
}
