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
    private bool _tornIsTold;

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

    /// <summary>CN as it stands in the file: what would end a word or a line, or begin a comment, is written as its code in hex.</summary>
    internal static string NameOf(X509Certificate2 certificate)
    {
        var name = certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false)
            .Where(r => !r.HasMultipleElements && r.GetSingleElementType().Value == CommonName)
            .Select(r => r.GetSingleElementValue()).FirstOrDefault() ?? NoName;
        var text = new StringBuilder(name.Length);
        foreach (var c in name)
            if (char.IsWhiteSpace(c) || char.IsControl(c) || c == '%' || (c == '#' && text.Length == 0))
                text.Append('%').Append(((int)c).ToString("X2"));
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
                Append(_text.Length > 0 && _text[^1] != '\n' && Torn(_text).Length == 0 ? "\n" + line : line);
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
                List<string> told = [];
                if (ReadText(_setting, Path) is { } text && text != _text)
                {
                    (_known, _text, _lastProblem, _tornIsTold) = (Parse(_setting, Path, text), text, null, false);
                    told.Add($"TLS: {_setting}: {Path} changed and is in use from now on");
                }
                if (!_tornIsTold && Torn(_text).Length > 0)
                    told.Add($"TLS: {_setting}: the last line of {Path} is unfinished and is passed over: a word without an end");
                _tornIsTold = true;
                return told;
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
        var torn = Torn(_text);
        using (var file = new FileStream(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0))
        {
            var end = EndWithout(file, Encoding.UTF8.GetBytes(torn));
            try
            {
                file.SetLength(end);
                file.Position = end;
                file.Write(Encoding.UTF8.GetBytes(line));
                file.Flush(flushToDisk: true);
            }
            catch (IOException)
            {
                // Half a line would be read as one; where it cannot be taken back either, it is passed over as torn.
                CutOff(file, end);
                throw;
            }
        }
        _text = _text[..^torn.Length] + line;
    }

    private static void CutOff(FileStream file, long end)
    {
        try
        {
            file.SetLength(end);
        }
        catch (IOException)
        {
            // The reason why it could not be written is the one to tell.
        }
    }

    /// <summary>Where the next line goes: over a torn one that is still the file's end.</summary>
    private static long EndWithout(FileStream file, byte[] torn)
    {
        var (end, start) = (file.Length, file.Length - torn.Length);
        if (torn.Length == 0 || start < 0) return end;
        var found = new byte[torn.Length];
        file.Position = start;
        file.ReadExactly(found);
        return found.AsSpan().SequenceEqual(torn) ? start : end;
    }

    /// <summary>The last line, where it was not ended and is one word: of a service that was killed, or a disk that was full.</summary>
    private static string Torn(string text)
    {
        var last = text[(text.LastIndexOf('\n') + 1)..];
        return last.Contains(' ', StringComparison.Ordinal) ? "" : last;
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
        foreach (var line in text[..^Torn(text).Length].Split('\n'))
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
