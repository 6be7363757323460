using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.ServiceDefaults.Tests;

public class HealthTests
{
    [Fact]
    public async Task Liveness_stays_when_readiness_goes()
    {
        string? trouble = null;
        await using var app = await StartAsync(separate: false, services => services.AddReadinessCheck("manager", () => trouble));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Assert.Equal("ready\n", await http.GetStringAsync("/readyz"));
        Assert.Equal("[+]started ok\n[+]manager ok\nready\n", await http.GetStringAsync("/readyz?verbose"));

        trouble = "socket is\nclosed";
        using var answer = await http.GetAsync("/readyz?verbose");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("[+]started ok\n[-]manager: socket is closed\nnot ready\n", await answer.Content.ReadAsStringAsync());
        Assert.Equal("ok\n", await http.GetStringAsync("/livez"));
        Assert.Equal("the service", await http.GetStringAsync("/other"));
    }

    [Fact]
    public async Task A_check_that_throws_or_hangs_is_not_ready()
    {
        await using var app = await StartAsync(separate: false, services =>
        {
            services.AddReadinessCheck("throws", () => throw new InvalidOperationException("boom"));
            services.AddReadinessCheck("hangs", _ => async cancellation =>
            {
                await Task.Delay(Timeout.Infinite, CancellationToken.None);
                return null;
            });
        });
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var answer = await http.GetAsync("/readyz");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("[-]throws: boom\n", text);
        Assert.Contains("[-]hangs: no answer within 2 s\n", text);
    }

    [Fact]
    public async Task A_health_listener_serves_health_alone_and_the_others_none()
    {
        await using var app = await StartAsync(separate: true, _ => { });
        var bodies = new List<string>();
        foreach (var url in app.Urls)
        {
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            using var live = await http.GetAsync("/livez");
            using var other = await http.GetAsync("/other");
            using var post = await http.PostAsync("/livez", null);
            bodies.Add($"{await live.Content.ReadAsStringAsync()}|{(int)other.StatusCode}|{(int)post.StatusCode}");
        }

        Assert.Equal(["ok\n|404|405", "the service|200|200"], bodies.Order());
    }

    [Fact]
    public async Task A_health_listener_has_few_connections_and_makes_room_when_they_go()
    {
        await using var app = await StartAsync(separate: true, _ => { });
        var health = await HealthAsync(app);
        var idle = new List<Socket>();
        for (var i = 0; i < ServiceDefaultsExtensions.MaxHealthConnections; i++)
        {
            idle.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
            await idle[^1].ConnectAsync(IPAddress.Loopback, health.Port);
            await idle[^1].SendAsync("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            Assert.True(await idle[^1].ReceiveAsync(new byte[1000]) > 0);
        }
        using (var http = new HttpClient { BaseAddress = health })
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync("/livez"));
        foreach (var socket in idle) socket.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await IsLiveAsync(health)) await Task.Delay(20, limit.Token);
    }

    private static async Task<Uri> HealthAsync(WebApplication app)
    {
        foreach (var url in app.Urls)
            if (await IsLiveAsync(new Uri(url))) return new Uri(url);
        throw new InvalidOperationException("no listener answers /livez");
    }

    private static async Task<bool> IsLiveAsync(Uri url)
    {
        // Its connection is closed behind it: it would be one of the few.
        using var http = new HttpClient { BaseAddress = url };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/livez") { Headers = { ConnectionClose = true } };
        try
        {
            using var answer = await http.SendAsync(request);
            return await answer.Content.ReadAsStringAsync() == "ok\n";
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    [Fact]
    public void A_bad_health_address_names_its_option()
    {
        var builder = WebApplication.CreateSlimBuilder();
        Assert.Contains("--health-url", Assert.Throws<OptionsException>(
            () => builder.AddServiceDefaults("test", o => o.HealthUrl = "nonsense")).Message);
    }

    private static async Task<WebApplication> StartAsync(bool separate, Action<IServiceCollection> configure)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        builder.AddServiceDefaults("test", o => o.HealthUrl = separate ? "http://127.0.0.1:0" : null);
        configure(builder.Services);
        var app = builder.Build();
        app.MapServiceDefaults();
        app.Run(context => context.Response.WriteAsync("the service"));
        await app.StartAsync();
        return app;
    }
}
