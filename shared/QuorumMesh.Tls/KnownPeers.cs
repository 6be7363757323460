using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace QuorumMesh.Tls;

/// <summary>
/// Tessera's file of known servers or clients (tessera 14.3): a line for each, the CN of its certificate and the SHA-1 of the certificate
/// in lower-case hex. The CN alone tells peers apart, of two lines for one the last counts, and what follows the two words is passed over.
/// A file that was edited counts without a restart. Thread safe.
/// </summary>
public sealed class KnownPeers
{
    /// <summary>Of a certificate without a CN, as Java prints it.</summary>
    private const string NoName = "null";

    private const string CommonName = "2.5.4.3";
    private const int LongestName = 256;
    private const int MostPeers = 10_000;
    private const int HexLength = 40;

    private readonly Lock _gate = new();
    private readonly string _setting;
    private Dictionary<string, string> _known;
    private string _text;
    private string? _lastProblem;

    private KnownPeers(string setting, string path, string text, Dictionary<string, string> known) =>
        (_setting, Path, _text, _known) = (setting, path, text, known);

    public string Path { get; }

    /// <param name="mustExist">A list that is not there lets nobody in; one that is written at first use is made then.</param>
    /// <exception cref="TlsSetupException">It is not there, or is no such list.</exception>
    internal static KnownPeers Open(string setting, string path, bool mustExist)
    {
        var text = ReadText(setting, path);
        if (text is null && mustExist)
            throw new TlsSetupException(setting, $"there is no file '{path}': write a line for each peer, the CN of its certificate and "
                + "the certificate's SHA-1 in lower-case hex");
        return new KnownPeers(setting, path, text ?? "", Parse(setting, path, text ?? ""));
    }

    /// <summary>CN as it stands in the file: what would end a word, or a line, is written as its code in hex.</summary>
    internal static string NameOf(X509Certificate2 certificate)
    {
        var name = certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false)
            .Where(r => !r.HasMultipleElements && r.GetSingleElementType().Value == CommonName)
            .Select(r => r.GetSingleElementValue()).FirstOrDefault() ?? NoName;
        var text = new StringBuilder(name.Length);
        foreach (var c in name)
            if (char.IsWhiteSpace(c) || char.IsControl(c) || c == '%') text.Append('%').Append(((int)c).ToString("X2"));
            else text.Append(c);
        return text.ToString();
    }

    /// <summary>The file's own form; nobody can make a certificate with another's, though two of his own may be made alike.</summary>
    internal static string FingerprintOf(X509Certificate2 certificate) =>
        certificate.GetCertHashString(HashAlgorithmName.SHA1).ToLowerInvariant();

    /// <returns>Null when the name is not known.</returns>
    internal string? Find(string name)
    {
        lock (_gate) return _known.GetValueOrDefault(name);
    }

    /// <summary>Notes a peer at its first use, durably.</summary>
    /// <returns>Why it could not be; null when it is noted. Another one of that name that was quicker stays.</returns>
    internal string? Add(string name, string fingerprint)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(name, out var other))
                return other == fingerprint ? null : "another certificate of that name was quicker";
            if (name.Length > LongestName) return $"its CN has more than {LongestName} characters";
            if (_known.Count >= MostPeers) return $"{Path} has {MostPeers} lines already, and no more are written";
            try
            {
                var line = $"{name} {fingerprint}\n";
                Append(_text.Length > 0 && _text[^1] != '\n' ? "\n" + line : line);
                _known[name] = fingerprint;
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return $"it cannot be noted in {Path}: {e.Message}";
            }
        }
    }

    /// <summary>Takes up what somebody changed in the file. What is gone with the file stays known until the service ends.</summary>
    internal IEnumerable<string> Check(DateTimeOffset now)
    {
        lock (_gate)
        {
            try
            {
                if (ReadText(_setting, Path) is not { } text || text == _text) return [];
                (_known, _text, _lastProblem) = (Parse(_setting, Path, text), text, null);
                return [$"TLS: {_setting}: {Path} changed and is in use from now on"];
            }
            catch (TlsSetupException e)
            {
                if (e.Message == _lastProblem) return [];
                _lastProblem = e.Message;
                return [$"TLS: {e.Message}; what was there before stays in use"];
            }
        }
    }

    private void Append(string line)
    {
        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) is { } directory) Directory.CreateDirectory(directory);
        using (var file = new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.Read))
        {
            file.Write(Encoding.UTF8.GetBytes(line));
            file.Flush(flushToDisk: true);
        }
        _text += line;
    }

    private static string? ReadText(string setting, string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TlsSetupException(setting, $"'{path}' cannot be read: {e.Message}", e);
        }
    }

    private static Dictionary<string, string> Parse(string setting, string path, string text)
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            var words = line.TrimEnd('\r').Split(' ');
            if (words is [{ Length: 0 }]) continue;
            if (words.Length < 2)
                throw new TlsSetupException(setting,
                    $"'{path}', line {number}: a CN and the SHA-1 of its certificate are wanted, with a space between");
            if (words[0].Length > 0 && words[0][0] == '#') continue;
            if (words[1].Length == HexLength && words[1].Any(char.IsAsciiLetterUpper) && words[1].All(char.IsAsciiHexDigit))
                throw new TlsSetupException(setting,
                    $"'{path}', line {number}: the SHA-1 must be in lower-case hex, or it is never the same");
            known[words[0]] = words[1];
        }
        return known;
    }
}
