namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>Finds where JSON objects and arrays end in a stream that has nothing between them. Looks at every byte once.</summary>
internal struct JsonFramer
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>Whether a message has begun.</summary>
    public readonly bool IsInside => _depth > 0;

    /// <returns>
    /// Bytes up to and with the end of the message; -1 when it is not complete; -2 when no JSON object or array begins here.
    /// </returns>
    public int Scan(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            if (_inString)
            {
                if (_escaped) _escaped = false;
                else if (b == (byte)'\\') _escaped = true;
                else if (b == (byte)'"') _inString = false;
                continue;
            }
            switch (b)
            {
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'}' or (byte)']' when _depth > 0:
                    if (--_depth == 0) return i + 1;
                    break;
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    break;
                default:
                    if (_depth == 0) return -2;
                    _inString = b == (byte)'"';
                    break;
            }
        }
        return -1;
    }
}
