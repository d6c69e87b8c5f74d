alter table raw.company add column call_rest_hours numeric, add column max_call_attempts integer;
comment on column raw.company.call_rest_hours is
    'R15: hours between two calls to one person; empty is 3.';
comment on column raw.company.max_call_attempts is
    'R15: calls after which an agenda is exhausted; empty is no limit.';

alter table raw.client add column accepts_calls boolean;
comment on column raw.client.accepts_calls is
    'R15: false, is not to be phoned; empty says nothing.';

alter table raw.passive_contact add column handled_at timestamptz;
comment on column raw.passive_contact.handled_at is 'R18: somebody has answered.';

alter table raw.call_attempt
    add column call_back_at timestamptz,
    add column loss_reason_id text collate "C",
    drop constraint call_attempt_is_bounded,
    add constraint call_attempt_is_bounded check (
        length(company_id) <= 64 and length(attempt_id) <= 64 and length(agenda_id) <= 64
        and length(user_id) <= 64 and length(outcome) <= 254 and length(loss_reason_id) <= 64
        and length(note) <= 2000
    );
comment on column raw.call_attempt.call_back_at is
    'When the client wants to be called again; ignored unless `call_back`.';
comment on column raw.call_attempt.loss_reason_id is
    'Why the client refused; ignored unless `refused`.';
comment on column raw.call_attempt.outcome is
    '`do_not_call`: asked not to be phoned. `void`: recorded by mistake.';
