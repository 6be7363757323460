using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Tessera's password file: line n is for key n, an empty line for an unlocked one.</summary>
internal sealed class PasswordFile : IDisposable
{
    private readonly SecretBuffer _text;
    private readonly List<Range> _lines = [];

    public PasswordFile(string key, string path)
    {
        _text = SecretFile.Read(key, path);
        var start = 0;
        var text = _text.Span;
        while (start < text.Length)
        {
            var end = text[start..].IndexOf((byte)'\n');
            var next = end < 0 ? text.Length : start + end;
            // A file written on Windows: the \r would become part of the password, and the key would not open.
            var stop = next > start && text[next - 1] == (byte)'\r' ? next - 1 : next;
            _lines.Add(start..stop);
            start = next + 1;
        }
    }

    public int Count => _lines.Count;

    public ReadOnlySpan<byte> Line(int index) => index < _lines.Count ? _text.Span[_lines[index]] : default;

    public void Dispose() => _text.Dispose();
}
